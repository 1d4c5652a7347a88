"""What every object that is to be written goes through first: clean metadata, known fields, the right place."""

import json

from functions.local.apiserver import metadata, status_errors
from functions.local.apiserver.errors import Obj, bad_request
from functions.local.apiserver.kind_rules import InvalidFieldError
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.request_body import cannot_handle
from functions.local.apiserver.requests import Target, WriteOptions

OTHER_NAMESPACE = "the namespace of the provided object does not match the namespace sent on the request"


def admit(kind: Kind, obj: Obj, options: WriteOptions, *, patch: bool = False) -> tuple[Obj, tuple[str, ...]]:
    """The object with clean metadata, pruned and defaulted; and what to warn of (its unknown fields).

    Raises StatusError 400 (422 in a patch) for a value of the wrong type and, where the client asked to be strict,
    for unknown fields.
    """
    given = obj.get("metadata") or {}
    before = json.dumps(obj) if patch else ""
    try:
        clean = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata.clean(given)}
        clean |= {field: value for field, value in obj.items() if field not in clean}
        fields = sorted([*metadata.unknown_fields(given), *kind.rules.admit(clean)])
    except InvalidFieldError as error:
        if patch:
            raise status_errors.patch_does_not_fit(str(error)) from None
        raise cannot_handle(kind, kind.kind, kind.version, str(error)) from None
    unknown = tuple(f'unknown field "{field}"' for field in fields)
    if unknown and options.field_validation == "Strict":
        problem = f"strict decoding error: {', '.join(unknown)}"
        if patch:
            raise status_errors.unknown_fields_in_patch(before, problem)
        raise cannot_handle(kind, kind.kind, kind.version, problem)
    return clean, unknown if options.field_validation == "Warn" else ()


def place_new(target: Target, meta: Obj) -> None:
    """Give a new object the namespace of its path. Raises StatusError 400 where it says another."""
    _place(target, meta, OTHER_NAMESPACE)


def check_place(target: Target, meta: Obj) -> None:
    """Refuse (400) an update that names another object than its path; what it leaves out is filled in."""
    name, namespace = meta.get("name", ""), meta.get("namespace", "")
    if not name:
        problem = "was undeterminable: name must be provided"
        raise bad_request(f"the name of the object ({target.key.name} based on URL) {problem}")
    if name != target.key.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.key.name})")
    wording = f"the namespace of the object ({namespace}) does not match the namespace on the request"
    _place(target, meta, f"{wording} ({target.namespace})")


def _place(target: Target, meta: Obj, mismatch: str) -> None:
    if meta.get("namespace", target.namespace) != target.namespace:
        raise bad_request(mismatch)
    if target.namespace:
        meta["namespace"] = target.namespace
