"""The errors of a call to GitHub, one class per way to react.

    GithubError
    ├── NotFound            404, 410: missing, or not visible to the App
    ├── NotInstalled        the App is not installed on the repository; people must install it
    ├── Denied              403 without a rate limit: the App lacks a permission; people must grant it
    │   └── Unauthorized    401: the App's key or token is not accepted
    ├── Rejected            422 and other 4xx: the request is invalid
    └── Busy                429, 403 with a rate limit, 5xx, time-outs, broken connections: retry later
        └── InvalidResponse success with a body that cannot be understood: retry later

(GitHub REST API: Rate limits for the REST API; Troubleshooting the REST API)
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

SECONDARY_LIMIT_SECONDS = 60.0
"""How long to wait after a secondary limit without a time (Rate limits for the REST API: at least one minute)."""

MAX_DIGITS = 10
"""Digits of a plausible number of seconds; longer header values are ignored."""


class GithubError(Exception):
    """A call to GitHub failed. The text is GitHub's message, which contains no secret."""


class NotFound(GithubError):
    """The object does not exist, or the App may not see it."""


class NotInstalled(GithubError):
    """The App is not installed on the repository."""


class Denied(GithubError):
    """The App lacks a permission."""


class Unauthorized(Denied):
    """The App's key or token is not accepted."""


class Rejected(GithubError):
    """GitHub rejects the request; `errors` are GitHub's explanations."""

    def __init__(self, message: str, errors: tuple[str, ...] = ()) -> None:
        super().__init__("; ".join((message, *errors)))
        self.errors = errors


class Busy(GithubError):
    """GitHub could not answer now; `retry_after` is in seconds if GitHub gave a time."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidResponse(Busy):
    """The body of a successful answer cannot be understood; the text names the call."""


def from_response(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> GithubError:
    """Return the error for an answer with a status of 300 or more; `headers` have lower-case names."""
    document = _document(body)
    message = f"GitHub answered {status}: {document.get('message') or 'no reason given'}"
    match status:
        case 404 | 410:
            return NotFound(message)
        case 429:
            return Busy(message, _seconds_to_wait(headers, now))
        case 403 if _is_rate_limit(headers, message):
            return Busy(message, _seconds_to_wait(headers, now))
        case 401:
            return Unauthorized(message)
        case 403:
            return Denied(message)
        case _ if status >= 500:
            return Busy(message, _number(headers.get("retry-after")))
        case _:
            return Rejected(message, _errors(document))


def _is_rate_limit(headers: Mapping[str, str], message: str) -> bool:
    used_up = headers.get("x-ratelimit-remaining") == "0"
    return used_up or "retry-after" in headers or "secondary rate limit" in message.lower()


def _seconds_to_wait(headers: Mapping[str, str], now: datetime) -> float:
    """Return Retry-After, else the time until an exhausted limit is reset, else SECONDARY_LIMIT_SECONDS."""
    retry_after = _number(headers.get("retry-after"))
    reset = _number(headers.get("x-ratelimit-reset"))
    if retry_after is not None:
        return retry_after
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(1.0, reset - now.timestamp())
    return SECONDARY_LIMIT_SECONDS


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _errors(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return `errors` as texts: a list of texts or objects, or one text (Troubleshooting: Validation failed)."""
    errors = document.get("errors")
    return tuple(_error(error) for error in (errors if isinstance(errors, list) else [errors]) if error)


def _error(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    return " ".join(str(error[key]) for key in ("resource", "field", "code", "message") if error.get(key))
