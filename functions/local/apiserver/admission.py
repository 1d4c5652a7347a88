"""Admission of an object before it is written: metadata, unknown fields, name and namespace."""

import json

from functions.local.apiserver import metadata, status_errors
from functions.local.apiserver.errors import Obj, bad_request
from functions.local.apiserver.kind_rules import InvalidFieldError
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.request_body import cannot_handle
from functions.local.apiserver.requests import Target, WriteOptions

OTHER_NAMESPACE = "the namespace of the provided object does not match the namespace sent on the request"


def admit(kind: Kind, obj: Obj, options: WriteOptions, *, patch: bool = False) -> tuple[Obj, tuple[str, ...]]:
    """Return the object with clean metadata, pruned and defaulted, and the warnings about its unknown fields.

    Raises:
        StatusError: 400 (422 in a patch) for a value of the wrong type and, with fieldValidation Strict, for unknown
            fields.
    """
    given_metadata = obj.get("metadata") or {}
    before = json.dumps(obj) if patch else ""
    try:
        clean = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata.clean(given_metadata)}
        clean |= {field: value for field, value in obj.items() if field not in clean}
        fields = sorted([*metadata.unknown_fields(given_metadata), *kind.rules.admit(clean)])
    except InvalidFieldError as error:
        if patch and not options.apply:
            raise status_errors.invalid_patch_result(str(error)) from None
        raise cannot_handle(kind, kind.kind, kind.version, str(error)) from None
    unknown = tuple(f'unknown field "{field}"' for field in fields)
    if unknown and options.field_validation == "Strict":
        problem = f"strict decoding error: {', '.join(unknown)}"
        if patch and not options.apply:
            raise status_errors.unknown_fields_in_patch(before, problem)
        raise cannot_handle(kind, kind.kind, kind.version, problem)
    return clean, unknown if options.field_validation == "Warn" else ()


def set_namespace(target: Target, meta: Obj) -> None:
    """Give a new object the namespace of its path; raise StatusError 400 if it names another."""
    _set_namespace(target, meta, OTHER_NAMESPACE)


def check_location(target: Target, meta: Obj) -> None:
    """Fill in the namespace of an update; raise StatusError 400 if it names another object than its path."""
    name, namespace = meta.get("name", ""), meta.get("namespace", "")
    if not name:
        problem = "was undeterminable: name must be provided"
        raise bad_request(f"the name of the object ({target.key.name} based on URL) {problem}")
    if name != target.key.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.key.name})")
    wording = f"the namespace of the object ({namespace}) does not match the namespace on the request"
    _set_namespace(target, meta, f"{wording} ({target.namespace})")


def _set_namespace(target: Target, meta: Obj, mismatch: str) -> None:
    if meta.get("namespace", target.namespace) != target.namespace:
        raise bad_request(mismatch)
    if target.namespace:
        meta["namespace"] = target.namespace
