"""What went wrong, in Kubernetes' words.

Clients decide by `code` and `reason`, people read `message`; both come from one place so that they agree.
Wordings are those of k8s.io/apimachinery: pkg/api/errors/errors.go and pkg/util/validation/field/errors.go.
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
    """One field that is wrong. `field` is its path, such as `spec.env[0].name`."""

    reason: str
    field: str
    message: str

    def wire(self) -> Obj:
        """As it stands in `details.causes`."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def invalid(field: str, value: Any, detail: str) -> Cause:
    """A value of the right kind that is not allowed."""
    return Cause("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {detail}")


def required(field: str, detail: str = "") -> Cause:
    """A value that is missing."""
    return Cause("FieldValueRequired", field, "Required value" + (f": {detail}" if detail else ""))


def unsupported(field: str, value: Any, allowed: list[str]) -> Cause:
    """A value outside of a list of values."""
    listed = ", ".join(json.dumps(item) for item in allowed)
    return Cause("FieldValueNotSupported", field, f"Unsupported value: {shown(value)}: supported values: {listed}")


def forbidden_field(field: str, detail: str) -> Cause:
    """A change that is not allowed at all."""
    return Cause("FieldValueForbidden", field, f"Forbidden: {detail}")


def duplicate(field: str, value: Any) -> Cause:
    """A second entry of a set."""
    return Cause("FieldValueDuplicate", field, f"Duplicate value: {shown(value)}")


def immutable(field: str, value: Any) -> Cause:
    """A change of what may only be set at creation. An object is not shown: it is long and may hold secrets."""
    shown_value = "null" if value is None else "object" if isinstance(value, dict) else value
    return invalid(field, shown_value, "field is immutable")


def shown(value: Any) -> str:
    """A value as the real server prints it in a message; objects are printed as JSON, not as Go."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return f"[]string{{{', '.join(json.dumps(item) for item in value)}}}"
    return json.dumps(value, ensure_ascii=False)


class StatusError(Exception):
    """A refusal that is answered as a Kubernetes Status object with HTTP status `code`."""

    def __init__(self, code: int, message: str, *, reason: str | None = None, details: Obj | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details
        self.reason = REASONS.get(code, "") if reason is None else reason

    def status(self) -> Obj:
        """The Status object."""
        body: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body |= {"message": self.message, "reason": self.reason, "code": self.code}
        if not self.reason:
            del body["reason"]
        if self.details is not None:
            body["details"] = self.details
        return body


def details(name: str, group: str, kind: str, causes: list[Cause] | None = None) -> Obj:
    """Status details; empty parts are left out, as the real server does."""
    parts: Obj = {"name": name, "group": group, "kind": kind, "causes": [c.wire() for c in causes or []]}
    return {key: value for key, value in parts.items() if value}


def invalid_object(kind: str, group: str, name: str, causes: list[Cause]) -> StatusError:
    """422: every problem of one object, each by its field."""
    problems = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    qualified = f"{kind}.{group}" if group else kind
    message = f'{qualified} "{name}" is invalid: {listed}'
    return StatusError(422, message, reason="Invalid", details=details(name, group, kind, causes))


def invalid_options(kind: str, cause: Cause) -> StatusError:
    """422: the options of a request (CreateOptions, DeleteOptions, ...) are wrong."""
    return invalid_object(kind, "meta.k8s.io", "", [cause])


def bad_request(message: str) -> StatusError:
    """400: the request cannot be understood."""
    return StatusError(400, message)


def no_such_resource() -> StatusError:
    """404: there is nothing at this path."""
    return StatusError(404, "the server could not find the requested resource", details={})


def method_not_allowed() -> StatusError:
    """405: the path exists, but not for this method."""
    return StatusError(405, "the server does not allow this method on the requested resource", details={})


def expired(message: str) -> StatusError:
    """410: the history that the client asks for is gone; it has to list again."""
    return StatusError(410, message)
