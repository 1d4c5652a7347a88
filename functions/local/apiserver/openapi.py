"""OpenAPI v3, as much of it as `kubectl apply` asks for.

kubectl looks up the PATCH of a kind to learn whether the server checks fields itself (the fieldValidation
parameter); schemas it can do without (`kubectl explain` cannot).
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
    """The list of documents; the hash in each address changes with the document."""
    return {"paths": {path.lstrip("/"): {"serverRelativeURL": _address(path, kinds)} for path, kinds in paths.items()}}


def _address(path: str, kinds: list[Kind]) -> str:
    text = json.dumps(document(kinds), sort_keys=True)
    return f"/openapi/v3{path}?hash={hashlib.sha256(text.encode()).hexdigest()[:32].upper()}"


def document(kinds: list[Kind]) -> Obj:
    """The document of one group and version."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.32.0"},
        "paths": {_object_path(kind): _operations(kind) for kind in kinds if "patch" in kind.verbs},
    }


def _object_path(kind: Kind) -> str:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    place = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"{base}{place}/{kind.plural}/{{name}}"


def _operations(kind: Kind) -> Obj:
    about = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    answer = {"200": {"description": "OK"}}
    return {
        method: {
            "parameters": PARAMETERS,
            "responses": answer,
            "x-kubernetes-action": method,
            "x-kubernetes-group-version-kind": about,
        }
        for method in ("patch", "put")
    }
