"""The Retry-After of a busy API server: a number of seconds, or none if it is not usable.

| Retry-After                            | retry_after                      |
|----------------------------------------|----------------------------------|
| a number of seconds                    | that number                      |
| a date, other digits, an endless number | None: the caller's own back-off  |
"""

import pytest

from functions.cluster.errors import Unavailable, from_response


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("1", 1.0),
        ("30", 30.0),
        (None, None),
        ("", None),
        ("-1", None),
        ("²", None),
        ("9" * 400, None),
        ("Sat, 21 Nov 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_read_if_it_is_a_number_of_seconds(header: str | None, seconds: float | None) -> None:
    error = from_response(429, b"{}", header)
    assert isinstance(error, Unavailable)
    assert error.retry_after == seconds
