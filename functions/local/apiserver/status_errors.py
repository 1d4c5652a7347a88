"""Refusals that name an object, worded once for reads, writes and deletions."""

from functions.local.apiserver.errors import Cause, Obj, StatusError, details, invalid, invalid_object
from functions.local.apiserver.kinds import Kind

STALE = "the object has been modified; please apply your changes to the latest version and try again"


def about(kind: Kind, name: str, causes: list[Cause] | None = None) -> Obj:
    """Status details of one object."""
    return details(name, kind.group, kind.plural, causes)


def not_found(kind: Kind, name: str) -> StatusError:
    """404: there is no such object."""
    return StatusError(404, f'{kind.resource} "{name}" not found', details=about(kind, name))


def already_exists(kind: Kind, name: str, *, deleting: bool) -> StatusError:
    """409: there is one of this name."""
    message = f'{"object is being deleted: " if deleting else ""}{kind.resource} "{name}" already exists'
    return StatusError(409, message, reason="AlreadyExists", details=about(kind, name))


def conflict(kind: Kind, name: str, problem: str) -> StatusError:
    """409: the object is not the one that the update was made for."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {problem}'
    return StatusError(409, message, details=about(kind, name))


def other_uid(kind: Kind, namespace: str, name: str, given: str, present: str) -> StatusError:
    """409: the object of this name is another one; `present` is '' where there is none."""
    key = "/".join(part for part in ("/registry", kind.group, kind.plural, namespace, name) if part)
    problem = f"Precondition failed: UID in precondition: {given}, UID in object meta: {present}"
    storage = f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {problem}"
    return conflict(kind, name, storage)


def version_needed(kind: Kind, name: str) -> StatusError:
    """422: an update of this kind has to say which version it was made from."""
    wording = "Invalid value: 0x0: must be specified for an update"
    cause = Cause("FieldValueInvalid", "metadata.resourceVersion", wording)
    return invalid_object(kind.plural, kind.group, name, [cause])


def no_namespace(namespace: str) -> StatusError:
    """404: an object can only be created in a namespace that exists."""
    about_it = details(namespace, "", "namespaces")
    return StatusError(404, f'namespaces "{namespace}" not found', details=about_it)


def namespace_terminating(kind: Kind, name: str, namespace: str) -> StatusError:
    """403: nothing new in a namespace that is being deleted."""
    problem = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = Cause("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
    return StatusError(403, f'{kind.resource} "{name}" is forbidden: {problem}', details=about(kind, name, [cause]))


def patch_does_not_fit(problem: str) -> StatusError:
    """422: a patch makes something of an object that is none of its kind; the object may be a Secret: not shown."""
    return invalid_object("", "", "", [invalid("patch", "patched object", problem)])


def unknown_fields_in_patch(patched: str, problem: str) -> StatusError:
    """422: a strict patch brings fields that nobody knows."""
    return invalid_object("", "", "", [invalid("patch", patched, problem)])
