"""What can go wrong with a call to the Kubernetes API, in the words its callers decide by.

The client library's and the connection's exceptions are translated here, once, with the cause chained:

    ClusterError
    ├── NotFound         404
    ├── AlreadyExists    409, reason AlreadyExists
    ├── Conflict         409 otherwise: the object has changed, or a precondition failed; read and decide again
    ├── Gone             410: the history asked for is no longer kept; list again
    ├── Invalid          400, 413, 415, 422: the API server will never take this object
    ├── Forbidden        401, 403: credentials or RBAC; people can mend it
    │   └── Closing      403, NamespaceTerminating: nothing is made any more in a namespace that is deleted
    └── Unavailable      429, 5xx, time-outs, broken connections: the same call may go through later
"""

import json
from typing import Any


class ClusterError(Exception):
    """A call to the Kubernetes API failed; the text is the server's message."""


class NotFound(ClusterError):
    """The object, or its kind, is not there."""


class AlreadyExists(ClusterError):
    """The name is taken."""


class Conflict(ClusterError):
    """The object has changed since it was read, or a precondition failed."""


class Gone(ClusterError):
    """The history asked for is no longer kept."""


class Invalid(ClusterError):
    """The API server refuses the object; `causes` are (field, message)."""

    def __init__(self, message: str, causes: list[tuple[str, str]]) -> None:
        super().__init__(message)
        self.causes = causes


def loggable(error: Exception) -> str:
    """What a log may say of an error: the API server repeats the values that it refuses, so only fields are named."""
    if isinstance(error, Invalid):
        return f"the API server refuses {', '.join(field for field, _ in error.causes) or 'the object'}"
    return str(error)


class Forbidden(ClusterError):
    """The caller may not do this."""


class NamespaceTerminating(Forbidden):
    """The namespace is being deleted, and takes nothing new."""


class Unavailable(ClusterError):
    """The API server could not answer; `retry_after` in seconds where it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def from_status(code: int, body: bytes, retry_after: str | None) -> ClusterError:
    """The error in an answer of the API server: `body` is a Kubernetes Status, or whatever a proxy said."""
    status = _status(body)
    message = status.get("message") or f"the API server answered {code}"
    match code:
        case 404:
            return NotFound(message)
        case 409 if status.get("reason") == "AlreadyExists":
            return AlreadyExists(message)
        case 409:
            return Conflict(message)
        case 410:
            return Gone(message)
        case 403 if _has_cause(status, "NamespaceTerminating"):
            return NamespaceTerminating(message)
        case 401 | 403:
            return Forbidden(message)
        case 429:
            return Unavailable(message, _seconds(retry_after))
        case _ if code >= 500:
            return Unavailable(message)
        case _:
            return Invalid(message, _causes(status))


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdecimal() and len(text) < 6 else None


def _status(body: bytes) -> dict[str, Any]:
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _causes(status: dict[str, Any]) -> list[tuple[str, str]]:
    return [(cause.get("field", ""), cause.get("message", "")) for cause in _raw_causes(status)]


def _has_cause(status: dict[str, Any], reason: str) -> bool:
    return any(cause.get("reason") == reason for cause in _raw_causes(status))


def _raw_causes(status: dict[str, Any]) -> list[dict[str, Any]]:
    return list((status.get("details") or {}).get("causes") or ())
