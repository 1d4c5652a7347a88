"""Objects created when the server starts: the default namespace and the definitions of its custom kinds.

Stored custom resources are brought to the current schema here, once; a read returns them as they are stored.
"""

import json
from collections.abc import Callable
from datetime import datetime

from functions.local.apiserver import metadata
from functions.local.apiserver.errors import Obj
from functions.local.apiserver.registry import Registry
from functions.local.apiserver.requests import Target, WriteOptions
from functions.local.apiserver.store import Key, Store
from functions.local.apiserver.writer import Writer

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def seed(store: Store, registry: Registry, now: Callable[[], datetime]) -> None:
    """Create the namespace, write the definitions and remove those that are no longer served; idempotent."""
    if store.get(Key("namespaces", "", "default")) is None:
        kind = registry.by_path("", "v1", "namespaces")
        if kind is not None:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
            Writer(store, now).create(Target(kind, "", None, None), namespace, WriteOptions())
    for definition in registry.definitions:
        if _define(store, definition, now):
            _admit_stored(store, registry, definition["metadata"]["name"])
    _remove_unserved(store, {definition["metadata"]["name"] for definition in registry.definitions})


def _define(store: Store, definition: Obj, now: Callable[[], datetime]) -> bool:
    """Write a definition; return whether it has changed."""
    key = Key(DEFINITIONS, "", definition["metadata"]["name"])
    text = store.get(key)
    stored = json.loads(text) if text else None
    meta = metadata.clean(definition["metadata"])
    if stored is None:
        metadata.stamp_new(meta, now())
    else:
        meta |= {field: stored["metadata"][field] for field in ("uid", "creationTimestamp", "resourceVersion")}
    obj = {**definition, "metadata": meta}
    if obj == stored:
        return False
    store.put(key, obj)
    return True


def _admit_stored(store: Store, registry: Registry, resource: str) -> None:
    """Prune and default the objects that an earlier schema admitted."""
    kind = registry.by_resource(resource)
    if kind is None:  # no version is served
        return
    for name, text in list(store.rows(resource, None)):
        obj = json.loads(text)
        kind.rules.admit(obj)
        store.rewrite(Key(resource, *name), obj)


def _remove_unserved(store: Store, served: set[str]) -> None:
    for text in store.bodies(DEFINITIONS, None):
        obj = json.loads(text)
        if obj["metadata"]["name"] not in served:
            store.delete(Key(DEFINITIONS, "", obj["metadata"]["name"]), obj)
