"""The garbage collector: dependents go when their owners are gone.

It looks at what there is, not at what happened, so it needs no memory: after a restart it goes on where it was. A
pass is a few indexed queries; it is made soon after a change that may give it work.

The rules are those of the real one ("Garbage Collection" in the Kubernetes documentation): an object whose owners
are all absent is deleted; one that has others left loses the references to the absent ones; `foregroundDeletion`
keeps an owner until the dependents that block it are gone; `orphan` makes dependents independent. A namespace in
deletion goes when it is empty.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime

from functions.local.apiserver.deletion import FOREGROUND, ORPHAN, DeleteOptions, Deleter
from functions.local.apiserver.errors import Obj, StatusError
from functions.local.apiserver.registry import Registry
from functions.local.apiserver.rules import Propagation
from functions.local.apiserver.store import Change, Key, Store
from functions.local.apiserver.writer import Writer

PAUSE_SECONDS = 0.05  # collects the changes of a burst; the real one takes about half a second


class GarbageCollector:
    """Deletes what has lost its owners."""

    def __init__(self, store: Store, registry: Registry, now: Callable[[], datetime]) -> None:
        self._store, self._registry = store, registry
        self._writer, self._deleter = Writer(store, now), Deleter(store, now)
        self._due = asyncio.Event()
        self._due.set()
        store.observe(self._notice)

    async def run(self) -> None:
        """Make a pass whenever one may be due, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            self.collect()
            await asyncio.sleep(PAUSE_SECONDS)

    def _notice(self, change: Change) -> None:
        concerns = change.type == "DELETED" or '"ownerReferences":' in change.body
        if concerns or '"deletionTimestamp":' in change.body:
            self._due.set()

    def collect(self) -> None:
        """One pass; its own deletions make the next one due."""
        for key, text in self._store.with_absent_owner():
            self._drop_references(key, json.loads(text))
        for key, text in self._store.in_deletion():
            obj = json.loads(text)
            finalizers = obj["metadata"].get("finalizers", [])
            if FOREGROUND in finalizers:
                self._delete_dependents(key, obj)
            if ORPHAN in finalizers:
                self._orphan_dependents(key, obj)
            if key.resource == "namespaces":
                self._empty_namespace(key, obj)

    def _drop_references(self, key: Key, obj: Obj) -> None:
        """Delete an object without owners, or take the absent owners off its list."""
        owners = obj["metadata"]["ownerReferences"]
        present = [owner for owner in owners if self._present(owner, key)]
        if not present:
            self._delete(key, obj)
        elif present != owners:
            obj["metadata"]["ownerReferences"] = present
            self._writer.save(key, obj)

    def _present(self, owner: Obj, dependent: Key) -> bool:
        found = self._store.by_uid(owner["uid"])
        return found is not None and found[0].namespace in ("", dependent.namespace)

    def _delete_dependents(self, key: Key, owner: Obj) -> None:
        blocked = False
        for dependent_key, text in self._store.dependents(owner["metadata"]["uid"]):
            dependent = json.loads(text)
            blocks = _blocks(dependent, owner)
            blocked = blocked or blocks
            if "deletionTimestamp" not in dependent["metadata"]:
                self._delete(dependent_key, dependent, "Foreground" if blocks else None)
        if not blocked:
            self._finish(key, owner, FOREGROUND)

    def _orphan_dependents(self, key: Key, owner: Obj) -> None:
        uid = owner["metadata"]["uid"]
        for dependent_key, text in self._store.dependents(uid):
            meta = (dependent := json.loads(text))["metadata"]
            meta["ownerReferences"] = [other for other in meta["ownerReferences"] if other["uid"] != uid]
            if not meta["ownerReferences"]:
                del meta["ownerReferences"]
            self._writer.save(dependent_key, dependent)
        self._finish(key, owner, ORPHAN)

    def _empty_namespace(self, key: Key, namespace: Obj) -> None:
        contents = self._store.in_namespace(key.name)
        for content_key, text in contents:
            if "deletionTimestamp" not in (obj := json.loads(text))["metadata"]:
                self._delete(content_key, obj, "Background")
        if not self._store.in_namespace(key.name):
            self._store.delete(key, namespace)

    def _finish(self, key: Key, obj: Obj, finalizer: str) -> None:
        obj["metadata"]["finalizers"].remove(finalizer)
        if not obj["metadata"]["finalizers"]:
            del obj["metadata"]["finalizers"]
        self._writer.save(key, obj)

    def _delete(self, key: Key, obj: Obj, propagation: Propagation | None = None) -> None:
        """Delete an object unless it is on its way already; by default as its own finalizers ask."""
        kind = self._registry.of_resource(key.resource)
        if kind is None or "deletionTimestamp" in obj["metadata"]:
            return
        own = {FOREGROUND, ORPHAN} & set(obj["metadata"].get("finalizers", []))
        options = DeleteOptions(propagation or (None if own else "Background"), uid=obj["metadata"]["uid"])
        try:
            self._deleter.delete(kind, key, options)
        except StatusError as error:
            if error.code not in (404, 409):
                raise


def _blocks(dependent: Obj, owner: Obj) -> bool:
    """Whether a dependent keeps its owner from going."""
    return any(
        reference["uid"] == owner["metadata"]["uid"] and reference.get("blockOwnerDeletion")
        for reference in dependent["metadata"]["ownerReferences"]
    )
