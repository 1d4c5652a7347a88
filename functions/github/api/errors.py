"""The errors of a call to GitHub, one class per way to react.

    GithubError
    ├── NotFound            404, 410: missing, not visible to the App, or not visible yet
    ├── NotInstalled        the App is not installed on the repository; people must install it
    ├── Denied              403 without a rate limit: the App lacks a permission; people must grant it
    │   ├── Unauthorized    401: the App's key or token is not accepted
    │   └── InvalidKey      the App's private key cannot sign
    ├── Rejected            422 and other 4xx: the request is invalid, or not valid yet
    └── Busy                429, 403 and 422 for a rate limit, 408, 5xx, time-outs, broken connections: retry later
        ├── InvalidResponse success with a body that cannot be understood: retry later
        └── NotReady        soon after an event, an answer that may change (api/recent_event.py): retry later

GitHub is eventually consistent: for some minutes after an event, what it is about may be missing, or be refused as
invalid. `may_change` distinguishes those answers from final ones.

(GitHub REST API: Rate limits for the REST API; Troubleshooting the REST API)
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

SECONDARY_LIMIT_SECONDS = 60.0
"""How long to wait after a secondary limit without a time (Rate limits for the REST API: at least one minute)."""

MAX_DIGITS = 10
"""Digits of a plausible number of seconds; longer header values are ignored."""


FINAL_REFUSALS = (
    "resource not accessible",  # a missing permission (Troubleshooting: Resource not accessible)
    "must have admin rights",
    "saml enforcement",
    "ip allow list",
    "is locked",
    "archived",
    "suspended",
)
"""Parts of the messages of a 403 that only people can change, in lower case."""

FINAL_ABSENCES = ("is not a user",)
"""Parts of the messages of a 404 that a repeated request meets again: bots, and Copilot, have no permission."""

FINAL_REJECTIONS = ("already exists", "no commits between", "too long", "too large", "missing_field", "already_exists")
"""Parts of the messages and error codes of a 422 that a repeated request meets again, in lower case."""

RATE_LIMITS = ("rate limit", "abuse detection", "submitted too quickly", "blocked from content creation")
"""Parts of the messages of a 403 or 422 that limits how fast content is created, in lower case. GitHub Enterprise
Server sends "abuse detection" without Retry-After."""


class GithubError(Exception):
    """A call to GitHub failed. The text is GitHub's message, which contains no secret."""

    may_change = False
    """Whether the same call may succeed some minutes after the event that led to it."""


class NotFound(GithubError):
    """The object does not exist, or the App may not see it."""

    def __init__(self, message: str, *, may_change: bool = True) -> None:
        super().__init__(message)
        self.may_change = may_change


class NotInstalled(GithubError):
    """The App is not installed on the repository."""


class Denied(GithubError):
    """The App lacks a permission."""

    def __init__(self, message: str, *, may_change: bool = False) -> None:
        super().__init__(message)
        self.may_change = may_change


class Unauthorized(Denied):
    """The App's key or token is not accepted; `server_time` is GitHub's clock, if its answer has a Date."""

    def __init__(self, message: str, server_time: datetime | None = None) -> None:
        super().__init__(message)
        self.server_time = server_time


class InvalidKey(Denied):
    """The App's private key is not an RSA key in PEM form."""


class Rejected(GithubError):
    """GitHub rejects the request; `errors` are GitHub's explanations."""

    def __init__(self, message: str, errors: tuple[str, ...] = (), *, may_change: bool = False) -> None:
        super().__init__("; ".join((message, *errors)))
        self.errors = errors
        self.may_change = may_change


class Busy(GithubError):
    """GitHub could not answer now; `retry_after` is in seconds if GitHub gave a time."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidResponse(Busy):
    """The body of a successful answer cannot be understood; the text names the call."""


class NotReady(Busy):
    """GitHub does not show or accept something that a recent event was about."""


def from_response(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> GithubError:
    """Return the error for an answer with a status of 300 or more; `headers` have lower-case names."""
    document = _document(body)
    message = f"GitHub answered {status}: {document.get('message') or 'no reason given'}"
    errors = _errors(document)
    text = "; ".join((message, *errors)).lower()
    match status:
        case 404:
            return NotFound(message, may_change=not _contains(text, FINAL_ABSENCES))
        case 410:
            return NotFound(message, may_change=False)
        case 401:
            return Unauthorized(message, _date(headers))
        case 429:
            return Busy(message, _seconds_to_wait(headers, now))
        case 403 | 422 if _is_rate_limit(headers, text):
            return Busy(message, _seconds_to_wait(headers, now))
        case 403:
            return Denied(message, may_change=not _contains(text, FINAL_REFUSALS))
        case 409 | 422:
            return Rejected(message, errors, may_change=not _contains(text, FINAL_REJECTIONS))
        case _ if status >= 500 or status == 408:
            return Busy(message, _number(headers.get("retry-after")))
        case _:
            return Rejected(message, errors)


def _is_rate_limit(headers: Mapping[str, str], text: str) -> bool:
    used_up = headers.get("x-ratelimit-remaining") == "0"
    return used_up or "retry-after" in headers or _contains(text, RATE_LIMITS)


def _contains(text: str, parts: Sequence[str]) -> bool:
    return any(part in text for part in parts)


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else None


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
