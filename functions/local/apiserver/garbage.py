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
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from functions.local.apiserver.deletion import FOREGROUND, ORPHAN, DeleteOptions, Deleter
from functions.local.apiserver.errors import Obj
from functions.local.apiserver.kind_rules import Propagation
from functions.local.apiserver.registry import Registry
from functions.local.apiserver.store import Change, Key, Store
from functions.local.apiserver.writer import Writer

logger = logging.getLogger(__name__)

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
            try:
                self.collect()
            except Exception:  # the edge of a task: one object that cannot be handled must not end the collection
                logger.exception("garbage collection failed; it goes on with the next change")
            await asyncio.sleep(PAUSE_SECONDS)

    def _notice(self, change: Change) -> None:
        concerns = change.type == "DELETED" or '"ownerReferences":' in change.body
        if concerns or '"deletionTimestamp":' in change.body:
            self._due.set()

    def collect(self) -> None:
        """One pass; its own deletions make the next one due."""
        for key in self._store.with_absent_owner():
            self._drop_references(key)
        for key in self._store.in_deletion():
            finalizers = self._meta(key).get("finalizers", [])
            if FOREGROUND in finalizers:
                self._delete_dependents(key)
            elif ORPHAN in finalizers:
                self._orphan_dependents(key)
            elif key.resource == "namespaces":
                self._empty_namespace(key)

    def _read(self, key: Key) -> Obj:
        """An object as it is now; the steps of a pass change what later ones find."""
        text = self._store.get(key)
        obj: Obj = json.loads(text) if text else {"metadata": {}}
        return obj

    def _meta(self, key: Key) -> Obj:
        meta: Obj = self._read(key)["metadata"]
        return meta

    def _drop_references(self, key: Key) -> None:
        """Delete an object without owners, or take the absent owners off its list."""
        owners = self._meta(key).get("ownerReferences", [])
        present = [owner for owner in owners if self._present(owner, key)]
        if owners and not present:
            self._delete(key)
        elif present != owners:
            self._set_owners(key, present)

    def _present(self, owner: Obj, dependent: Key) -> bool:
        found = self._store.by_uid(owner["uid"])
        return found is not None and found.namespace in ("", dependent.namespace)

    def _delete_dependents(self, key: Key) -> None:
        uid = self._meta(key)["uid"]
        blocking = {each for each in self._store.dependents(uid) if _blocks(self._meta(each), uid)}
        for dependent in self._store.dependents(uid):
            self._delete(dependent, "Foreground" if dependent in blocking else None)
        if not blocking:
            self._finish(key, FOREGROUND)

    def _orphan_dependents(self, key: Key) -> None:
        uid = self._meta(key)["uid"]
        for dependent in self._store.dependents(uid):
            others = [owner for owner in self._meta(dependent)["ownerReferences"] if owner["uid"] != uid]
            self._set_owners(dependent, others)
        self._finish(key, ORPHAN)

    def _empty_namespace(self, key: Key) -> None:
        for content in self._store.in_namespace(key.name):
            self._delete(content, "Background")
        if not self._store.in_namespace(key.name):
            self._store.delete(key, self._read(key))

    def _set_owners(self, key: Key, owners: list[Obj]) -> None:
        self._save_with(key, "ownerReferences", owners)

    def _finish(self, key: Key, finalizer: str) -> None:
        """Take off a finalizer of ours, which lets the object go if it was the last."""
        others = [each for each in self._meta(key)["finalizers"] if each != finalizer]
        self._save_with(key, "finalizers", others)

    def _save_with(self, key: Key, field: str, others: list[Any]) -> None:
        obj = self._read(key)
        if others:
            obj["metadata"][field] = others
        else:
            del obj["metadata"][field]
        self._writer.save(key, obj)

    def _delete(self, key: Key, propagation: Propagation | None = None) -> None:
        """Delete an object unless it is on its way already; by default as its own finalizers ask."""
        kind, meta = self._registry.of_resource(key.resource), self._meta(key)
        if kind is None or not meta or "deletionTimestamp" in meta:
            return
        own = {FOREGROUND, ORPHAN} & set(meta.get("finalizers", []))
        options = DeleteOptions(propagation or (None if own else "Background"))
        self._deleter.delete(kind, key, options)


def _blocks(dependent: Obj, owner: str) -> bool:
    """Whether a dependent (its metadata) keeps its owner (its uid) from going."""
    references = dependent.get("ownerReferences", [])
    return any(each["uid"] == owner and each.get("blockOwnerDeletion") for each in references)
