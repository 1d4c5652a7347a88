"""PATCH: the supported patch formats and how each is applied."""

import json
from typing import Any

import jsonpatch
import jsonpointer
import yaml

from functions.local.apiserver.errors import Obj, StatusError, bad_request, invalid, invalid_object
from functions.local.apiserver.kind_rules import drop_nulls
from functions.local.apiserver.kinds import Kind
from functions.local.apiserver.request_body import go_type, json_problem, load_json
from functions.local.apiserver.strategic import strategic_merge

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

REJECTED = "the server rejected our request due to an error in our request"


def check_media(media: str, kind: Kind) -> None:
    """Raise StatusError 415 for a patch format that the kind does not support."""
    if media not in _accepted(kind):
        accepted = ", ".join(_accepted(kind))
        raise StatusError(
            415, f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        )


def patched(obj: Obj, raw: bytes, media: str) -> Obj:
    """Return the patched object; `obj` may be changed.

    Raises:
        StatusError: 400, or 422 if the patch does not apply to the object.
    """
    patch = _parse(raw)
    if media == JSON_PATCH:
        return _json_patch(obj, patch)
    if not isinstance(patch, dict):
        problem = "couldn't get version/kind; json parse error: a patch must be an object"
        raise invalid_object("", "", "", [invalid("patch", raw.decode(errors="replace"), problem)])
    return strategic_merge(obj, patch) if media == STRATEGIC else merge(obj, patch)


def configuration(raw: bytes, kind: Kind) -> Obj:
    """Return the body of an apply; raise StatusError 400."""
    try:
        document = load_json(json.dumps(yaml.safe_load(raw), default=str))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: yaml: {error}") from None
    if not isinstance(document, dict):
        problem = f"json: cannot unmarshal {go_type(document)} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {problem}")
    given = document.get("apiVersion") or ""
    if given != kind.api_version:
        wording = f"Specified patch version: {given}, expected: {kind.api_version}"
        raise bad_request(f"Incorrect version specified in apply patch. {wording}")
    drop_nulls(document)
    meta = document.setdefault("metadata", {})
    if not isinstance(meta, dict):
        raise bad_request("metadata must be an object")
    if "managedFields" in meta:
        raise bad_request("metadata.managedFields must be nil")
    return document


def _accepted(kind: Kind) -> tuple[str, ...]:
    return (JSON_PATCH, MERGE, APPLY) if kind.custom else (JSON_PATCH, MERGE, STRATEGIC, APPLY)


def _parse(raw: bytes) -> Any:
    try:
        return load_json(raw)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"error decoding patch: {json_problem(error)}") from None


def merge(present: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7386): null removes, objects merge, all else replaces; `present` may be changed."""
    if not isinstance(patch, dict):
        return patch
    merged = present if isinstance(present, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def _json_patch(obj: Obj, operations: Any) -> Obj:
    if not isinstance(operations, list):
        raise bad_request(f"json: cannot unmarshal {go_type(operations)} into Go value of type jsonpatch.Patch")
    for operation in operations:
        if not isinstance(operation, dict):
            raise bad_request(f"json: cannot unmarshal {go_type(operation)} into Go value of type jsonpatch.Operation")
    try:
        changed = jsonpatch.apply_patch(obj, operations)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        changed = None  # the exception is not reported: it quotes the object, which may be a Secret
    if not isinstance(changed, dict):
        raise StatusError(422, REJECTED, reason="Invalid", details={})
    return changed
