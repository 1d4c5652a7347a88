"""The part of OpenAPI v3 that `kubectl apply` reads.

kubectl looks up the PATCH operation of a kind to find out whether the server validates fields (the fieldValidation
parameter). It does not need schemas; `kubectl explain`, which does, is not supported.
"""

import hashlib
import json

from functions.local.apiserver.errors import Obj
from functions.local.apiserver.kinds import Kind

PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]


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
        "paths": {_object_path(kind): _operations(kind) for kind in kinds if "patch" in kind.verbs},
    }


def _object_path(kind: Kind) -> str:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    namespace = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"{base}{namespace}/{kind.plural}/{{name}}"


def _operations(kind: Kind) -> Obj:
    group_version_kind = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    responses = {"200": {"description": "OK"}}
    return {
        method: {
            "parameters": PARAMETERS,
            "responses": responses,
            "x-kubernetes-action": method,
            "x-kubernetes-group-version-kind": group_version_kind,
        }
        for method in ("patch", "put")
    }
