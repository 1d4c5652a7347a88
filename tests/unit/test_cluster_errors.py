"""What an API server that is busy says of how long: seconds, or nothing that could be waited for.

| Retry-After                                   | waits            |
|-----------------------------------------------|------------------|
| a number of seconds                           | as long          |
| a date, other digits, a number without an end | as it sees fit   |
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
def test_who_is_busy_says_for_how_long(header: str | None, seconds: float | None) -> None:
    error = from_response(429, b"{}", header)
    assert isinstance(error, Unavailable)
    assert error.retry_after == seconds
