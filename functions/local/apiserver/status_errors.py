"""Errors that name an object, for reads, writes and deletions."""

from functions.local.apiserver.errors import Cause, Obj, StatusError, details, invalid, invalid_object
from functions.local.apiserver.kinds import Kind

STALE = "the object has been modified; please apply your changes to the latest version and try again"


def about(kind: Kind, name: str, causes: list[Cause] | None = None) -> Obj:
    """Return the Status details of one object."""
    return details(name, kind.group, kind.plural, causes)


def not_found(kind: Kind, name: str) -> StatusError:
    """Return 404: the object does not exist."""
    return StatusError(404, f'{kind.resource} "{name}" not found', details=about(kind, name))


def already_exists(kind: Kind, name: str, *, deleting: bool) -> StatusError:
    """Return 409: an object of this name exists."""
    message = f'{"object is being deleted: " if deleting else ""}{kind.resource} "{name}" already exists'
    return StatusError(409, message, reason="AlreadyExists", details=about(kind, name))


def conflict(kind: Kind, name: str, problem: str) -> StatusError:
    """Return 409: the object is not in the state for which the update was made."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {problem}'
    return StatusError(409, message, details=about(kind, name))


def other_uid(kind: Kind, namespace: str, name: str, given: str, present: str) -> StatusError:
    """Return 409: the object of this name has another uid; `present` is '' if it does not exist."""
    key = "/".join(part for part in ("/registry", kind.group, kind.plural, namespace, name) if part)
    problem = f"Precondition failed: UID in precondition: {given}, UID in object meta: {present}"
    storage = f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {problem}"
    return conflict(kind, name, storage)


def version_needed(kind: Kind, name: str) -> StatusError:
    """Return 422: an update of this kind requires a resourceVersion."""
    wording = "Invalid value: 0x0: must be specified for an update"
    cause = Cause("FieldValueInvalid", "metadata.resourceVersion", wording)
    return invalid_object(kind.plural, kind.group, name, [cause])


def no_namespace(namespace: str) -> StatusError:
    """Return 404: the namespace of the new object does not exist."""
    return StatusError(404, f'namespaces "{namespace}" not found', details=details(namespace, "", "namespaces"))


def namespace_terminating(kind: Kind, name: str, namespace: str) -> StatusError:
    """Return 403: the namespace of the new object is being deleted."""
    problem = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = Cause("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
    return StatusError(403, f'{kind.resource} "{name}" is forbidden: {problem}', details=about(kind, name, [cause]))


def invalid_patch_result(problem: str) -> StatusError:
    """Return 422: the patched object is invalid; it is not included, because it may be a Secret."""
    return invalid_object("", "", "", [invalid("patch", "patched object", problem)])


def unknown_fields_in_patch(patched: str, problem: str) -> StatusError:
    """Return 422: a patch with strict validation contains unknown fields."""
    return invalid_object("", "", "", [invalid("patch", patched, problem)])
