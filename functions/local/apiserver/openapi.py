"""The part of OpenAPI v3 that `kubectl apply` and `kubectl explain` read.

apply looks up the PATCH operation of a kind to find out whether the server validates fields (the fieldValidation
parameter). explain finds a kind by the GET operation of its list, and its fields in the schema. Those of built-in
kinds have the fields whose types this server checks, and say where to read about all.
"""

import hashlib
import json
from collections.abc import Iterator

from functions.local.apiserver.errors import Obj
from functions.local.apiserver.kinds import Kind

PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]

BUILT_IN = (
    "A built-in kind of Kubernetes, with the fields that this server checks; it keeps the others as they are. "
    "All are described in https://kubernetes.io/docs/reference/kubernetes-api/."
)
COMMON = {"apiVersion": "The version of the API.", "kind": "The kind of the object."}


def index(paths: dict[str, list[Kind]]) -> Obj:
    """Return the list of documents; the hash in each URL changes with the document."""
    return {"paths": {path.lstrip("/"): {"serverRelativeURL": _url(path, kinds)} for path, kinds in paths.items()}}


def _url(path: str, kinds: list[Kind]) -> str:
    text = json.dumps(document(kinds), sort_keys=True)
    return f"/openapi/v3{path}?hash={hashlib.sha256(text.encode()).hexdigest()[:32].upper()}"


def document(kinds: list[Kind]) -> Obj:
    """Return the document of one group and version."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.32.0"},
        "paths": {path: operations for kind in kinds for path, operations in _paths(kind)},
        "components": {"schemas": {_schema_name(kind): _schema(kind) for kind in kinds}},
    }


def _paths(kind: Kind) -> Iterator[tuple[str, Obj]]:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    collection = f"{base}{'/namespaces/{namespace}' if kind.namespaced else ''}/{kind.plural}"
    yield collection, {"get": _operation(kind, "list")}
    if "patch" in kind.verbs:
        yield f"{collection}/{{name}}", {method: _operation(kind, method) for method in ("patch", "put")}


def _operation(kind: Kind, action: str) -> Obj:
    return {
        "parameters": PARAMETERS,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _group_version_kind(kind),
    }


def _group_version_kind(kind: Kind) -> Obj:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _schema_name(kind: Kind) -> str:
    return ".".join([*reversed((kind.group or "core").split(".")), kind.version, kind.kind])


def _schema(kind: Kind) -> Obj:
    """Return the schema of the kind with the fields that every object has, as the real server publishes it."""
    common = {name: {"type": "string", "description": text} for name, text in COMMON.items()}
    metadata = {"metadata": {"type": "object", "description": "Standard object's metadata."}}
    schema = kind.rules.structural or {**kind.rules.shape, "description": BUILT_IN}
    properties = common | metadata | schema.get("properties", {})
    return {
        **schema,
        "properties": properties,
        "x-kubernetes-group-version-kind": [_group_version_kind(kind)],
    }
