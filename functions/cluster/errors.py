"""Errors of calls to the Kubernetes API, by what the caller does next.

Errors of the client library and the connection are translated here, once, with the cause chained:

    ClusterError
    ├── NotFound                     404 for an object, or for the namespace to create it in
    ├── KindNotServed                404 for the path: the kind is unknown (for now); says nothing of any object
    ├── AlreadyExists                409, reason AlreadyExists
    ├── Conflict                     409 otherwise: the object has changed, or a precondition failed; read again
    ├── Gone                         410: the requested history is no longer kept; list again
    ├── Invalid                      400, 413, 415, 422: the API server will never accept this object
    ├── Forbidden                    401, 403, an admission webhook that fails or denies with any code but 400 and 422:
    │                                credentials, RBAC or policies, which people can correct
    │   ├── WebhookRefused           the admission webhook denies it; its texts may differ at each try
    │   │   └── WebhookDown          the admission webhook does not answer
    │   ├── NoCredentials            no request was sent: the kubeconfig gives no usable credentials
    │   └── NamespaceTerminating     403: nothing can be created in a namespace that is being deleted
    └── Unavailable                  429, 5xx, time-outs, broken connections: retry later
"""

import json
from collections.abc import Mapping
from typing import Any


class ClusterError(Exception):
    """A call to the Kubernetes API failed; the text is the server's message."""


class NotFound(ClusterError):
    """The object does not exist."""


class KindNotServed(ClusterError):
    """The API server does not serve objects of this kind and version: a missing CRD, or one of another version.

    An object of that kind may well exist, so this is never a reason to treat it as deleted.
    """


class AlreadyExists(ClusterError):
    """An object of this name exists."""


class Conflict(ClusterError):
    """The object has changed since it was read, or a precondition failed."""


class Gone(ClusterError):
    """The requested history is no longer kept."""


class Invalid(ClusterError):
    """The API server rejects the object; `causes` are pairs of field and message."""

    def __init__(self, message: str, causes: list[tuple[str, str]]) -> None:
        super().__init__(message)
        self.causes = causes


class Forbidden(ClusterError):
    """The caller may not do this, or an admission webhook does not let it."""


class WebhookRefused(Forbidden):
    """An admission webhook of the cluster does not let it."""


class WebhookDown(WebhookRefused):
    """An admission webhook of the cluster does not answer."""


class NoCredentials(Forbidden):
    """No request was sent: the kubeconfig, or what it names, gives no usable credentials."""


class NamespaceTerminating(Forbidden):
    """The namespace is being deleted and accepts no new objects."""


class Unavailable(ClusterError):
    """The API server could not answer; `retry_after` in seconds if it asked for a delay."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def loggable(error: Exception) -> str:
    """Return the error's text for logs; of an Invalid only the fields, since the server repeats rejected values."""
    if isinstance(error, Invalid):
        return f"the API server refuses {', '.join(field for field, _ in error.causes) or 'the object'}"
    return str(error)


def from_response(code: int, body: bytes, retry_after: str | None) -> ClusterError:
    """Return the error of a response; the body is a Kubernetes Status, or what a proxy answered."""
    return from_status(code, _parse(body), retry_after)


def from_status(code: int, status: Mapping[str, Any], retry_after: str | None = None) -> ClusterError:
    """Return the error that a Kubernetes Status describes."""
    message = status.get("message") or f"the API server answered {code}"
    match code:
        case _ if code not in (400, 422) and _DENIAL in message:
            return WebhookRefused(message)
        case _ if code not in (400, 422) and _NO_ANSWER in message:
            return WebhookDown(message)
        case 404:
            return _not_found(status, message)
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


_NO_ANSWER, _DENIAL = "failed calling webhook", "denied the request"
"""In the message about a webhook that does not answer (500), and about a denial, which has the code that the webhook
chooses (apiserver: pkg/admission/plugin/webhook/errors, .../validating/dispatcher.go)."""


def _not_found(status: Mapping[str, Any], message: str) -> ClusterError:
    """Tell a missing object, which the Status names, from a path that is not served (apimachinery: NewNotFound)."""
    if (status.get("details") or {}).get("name"):
        return NotFound(message)
    return KindNotServed(f"the API server does not serve this kind: {message}; are the CRDs of crds/ installed?")


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdecimal() and len(text) < 6 else None


def _parse(body: bytes) -> dict[str, Any]:
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _causes(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(cause.get("field", ""), cause.get("message", "")) for cause in _raw_causes(status)]


def _has_cause(status: Mapping[str, Any], reason: str) -> bool:
    return any(cause.get("reason") == reason for cause in _raw_causes(status))


def _raw_causes(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((status.get("details") or {}).get("causes") or ())
