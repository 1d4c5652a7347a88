"""What one setting may be, where several sections mean the same by it; the webhook's sections need no more.

A value that can never work is refused when a function starts, as later every delivery would fail over it. A rule
says what the value must be, and never what it is: that may be a secret. `Field(pattern=...)` says neither, and its
expression is compiled at every start; these are compiled only where a value is given.
"""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

Days = Annotated[float, Field(ge=0, le=36_500)]
"""A time in days, of 100 years at most: as good as for ever, and the day it ends on is one that a date can have
(datetime.MAXYEAR is 9999; infinity is none)."""

Seconds = Annotated[int, Field(ge=1, le=31_536_000)]
"""A time in seconds, of a year at most: longer than anything here is waited for. Two together are still an int32."""

URL = "must be a URL with http:// or https:// and a host, such as https://host.example:8443/path"


def matching(pattern: str, why: str, longest: int = 253) -> AfterValidator:
    """The rule of a text that the whole of `pattern` matches, with at most `longest` characters."""

    def check(value: str) -> str:
        if len(value) > longest or not re.fullmatch(pattern, value):
            raise ValueError(why)
        return value

    return AfterValidator(check)


def or_empty(rule: AfterValidator) -> AfterValidator:
    """The same rule for a setting that is off, or as usual, where it is empty."""
    check: Callable[[str], str] = rule.func  # type: ignore[assignment]
    return AfterValidator(lambda value: check(value) if value else value)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of brackets or a port; its text tells what may be a password
        good = False
    if not good or not re.fullmatch(r"[!-~]+", value):
        raise ValueError(URL)
    return value


IS_URL = AfterValidator(_url)
Url = Annotated[str, IS_URL]
UrlOrNone = Annotated[str, or_empty(IS_URL)]
"""A URL, or empty."""

ProjectId = Annotated[
    str,
    or_empty(matching(r"[a-z][a-z0-9.:-]{4,61}[a-z0-9]", "must be the id of a Google Cloud project, as my-project-42")),
]
"""A project id, with the domain that older ones begin with (example.com:project), or empty."""
