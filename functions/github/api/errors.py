"""What can go wrong with a call to GitHub, in the words its callers decide by.

Answers and broken connections are translated here, once, with the cause chained:

    GithubError
    ├── NotFound        404, 410: not there, or not visible to the App
    ├── NotInstalled    the App is not installed on that repository; people can mend it
    ├── Denied          403 that is no rate limit: a permission the App lacks; people can mend it
    │   └── Unauthorized    401: the App's key or token is not accepted
    ├── Refused         422 and other 4xx: GitHub will never take this request
    └── Busy            429, 403 for a rate limit, 5xx, time-outs, broken connections: it may go through later
        └── Garbled     it went through, and what came back cannot be understood: it may be so later

(GitHub REST API: Rate limits for the REST API; Troubleshooting the REST API)
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

SECONDARY = 60.0
"""Seconds to wait after a secondary limit that names none (Rate limits for the REST API: at least one minute)."""

LONGEST_NUMBER = 10
"""Digits of a time in seconds; a longer one is none."""


class GithubError(Exception):
    """A call to GitHub failed; the text is GitHub's message. No secret is in it: GitHub repeats none."""


class NotFound(GithubError):
    """What was asked for is not there, or the App may not see it."""


class NotInstalled(GithubError):
    """The App is not installed on the repository."""


class Denied(GithubError):
    """The App may not do this."""


class Unauthorized(Denied):
    """The App's key or token is not accepted."""


class Refused(GithubError):
    """GitHub will never take the request; `errors` are in GitHub's words."""

    def __init__(self, message: str, errors: tuple[str, ...] = ()) -> None:
        super().__init__("; ".join((message, *errors)))
        self.errors = errors


class Busy(GithubError):
    """GitHub could not answer; `retry_after` in seconds where it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidResponse(Busy):
    """An answer that cannot be understood, of GitHub or of something on the way; the text names the call."""


def from_answer(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> GithubError:
    """The error in an answer of 300 or more; `headers` have lower-case names."""
    said = _said(body)
    message = f"GitHub answered {status}: {said.get('message') or 'no reason given'}"
    match status:
        case 404 | 410:
            return NotFound(message)
        case 429:
            return Busy(message, _wait(headers, now))
        case 403 if _limited(headers, message):
            return Busy(message, _wait(headers, now))
        case 401:
            return Unauthorized(message)
        case 403:
            return Denied(message)
        case _ if status >= 500:
            return Busy(message, _number(headers.get("retry-after")))
        case _:
            return Refused(message, _errors(said))


def _limited(headers: Mapping[str, str], message: str) -> bool:
    spent = headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in headers or "secondary rate limit" in message.lower()


def _wait(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds: as told, else until the limit is reset where it is used up, else a minute."""
    told = _number(headers.get("retry-after"))
    reset = _number(headers.get("x-ratelimit-reset"))
    if told is not None:
        return told
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(1.0, reset - now.timestamp())
    return SECONDARY


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None


def _said(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _errors(said: Mapping[str, Any]) -> tuple[str, ...]:
    """`errors` is a list of texts or of objects, or one text (Troubleshooting the REST API: Validation failed)."""
    errors = said.get("errors")
    return tuple(_error(each) for each in (errors if isinstance(errors, list) else [errors]) if each)


def _error(each: Any) -> str:
    if not isinstance(each, dict):
        return str(each)
    named = [str(each[key]) for key in ("resource", "field", "code", "message") if each.get(key)]
    return " ".join(named)
