"""Errors as Kubernetes Status objects.

Clients evaluate `code` and `reason`; `message` is for people. The wordings are those of k8s.io/apimachinery:
pkg/api/errors/errors.go and pkg/util/validation/field/errors.go.
"""

import json
from dataclasses import dataclass
from typing import Any

Obj = dict[str, Any]

REASONS = {
    400: "BadRequest",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    500: "InternalError",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One invalid field; `field` is its path, such as `spec.env[0].name`."""

    reason: str
    field: str
    message: str

    def wire(self) -> Obj:
        """Return the entry in `details.causes`."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def invalid(field: str, value: Any, detail: str) -> Cause:
    """Return the cause for a value of the right type that is not allowed."""
    return Cause("FieldValueInvalid", field, f"Invalid value: {format_value(value)}: {detail}")


def required(field: str, detail: str = "") -> Cause:
    """Return the cause for a missing value."""
    return Cause("FieldValueRequired", field, "Required value" + (f": {detail}" if detail else ""))


def unsupported(field: str, value: Any, allowed: list[str]) -> Cause:
    """Return the cause for a value that is not one of the allowed ones."""
    listed = ", ".join(json.dumps(item) for item in allowed)
    return Cause(
        "FieldValueNotSupported", field, f"Unsupported value: {format_value(value)}: supported values: {listed}"
    )


def forbidden_field(field: str, detail: str) -> Cause:
    """Return the cause for a change that is not allowed."""
    return Cause("FieldValueForbidden", field, f"Forbidden: {detail}")


def duplicate(field: str, value: Any) -> Cause:
    """Return the cause for an entry that a set contains twice."""
    return Cause("FieldValueDuplicate", field, f"Duplicate value: {format_value(value)}")


def immutable(field: str, value: Any) -> Cause:
    """Return the cause for a change of a field that can only be set at creation.

    The message does not contain an object: it is long and may contain secrets.
    """
    shown_value = "null" if value is None else "object" if isinstance(value, dict) else value
    return invalid(field, shown_value, "field is immutable")


def format_value(value: Any) -> str:
    """Return a value as the real server prints it in a message; objects are printed as JSON, not as Go."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return f"[]string{{{', '.join(json.dumps(item) for item in value)}}}"
    return json.dumps(value, ensure_ascii=False)


class StatusError(Exception):
    """A failed request, answered with a Kubernetes Status object and HTTP status `code`."""

    def __init__(self, code: int, message: str, *, reason: str | None = None, details: Obj | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details
        self.reason = REASONS.get(code, "") if reason is None else reason

    def status(self) -> Obj:
        """Return the Status object."""
        body: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body |= {"message": self.message, "reason": self.reason, "code": self.code}
        if not self.reason:
            del body["reason"]
        if self.details is not None:
            body["details"] = self.details
        return body


def details(name: str, group: str, kind: str, causes: list[Cause] | None = None) -> Obj:
    """Return Status details; empty parts are omitted, as by the real server."""
    parts: Obj = {"name": name, "group": group, "kind": kind, "causes": [c.wire() for c in causes or []]}
    return {key: value for key, value in parts.items() if value}


def invalid_object(kind: str, group: str, name: str, causes: list[Cause]) -> StatusError:
    """Return 422 with every invalid field of one object."""
    problems = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    qualified = f"{kind}.{group}" if group else kind
    message = f'{qualified} "{name}" is invalid: {listed}'
    return StatusError(422, message, reason="Invalid", details=details(name, group, kind, causes))


def invalid_options(kind: str, cause: Cause) -> StatusError:
    """Return 422 for invalid options of a request (CreateOptions, DeleteOptions, ...)."""
    return invalid_object(kind, "meta.k8s.io", "", [cause])


def bad_request(message: str) -> StatusError:
    """Return 400: the request is malformed."""
    return StatusError(400, message)


def no_such_resource() -> StatusError:
    """Return 404: no resource is served at this path."""
    return StatusError(404, "the server could not find the requested resource", details={})


def method_not_allowed() -> StatusError:
    """Return 405: the path does not support this method."""
    return StatusError(405, "the server does not allow this method on the requested resource", details={})


def expired(message: str) -> StatusError:
    """Return 410: the requested history is no longer kept; the client has to list again."""
    return StatusError(410, message)
