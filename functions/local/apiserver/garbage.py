"""The garbage collector: deletes dependents whose owners are deleted.

It compares the stored objects, not events, and keeps no state, so it continues after a restart. A pass consists of a
few indexed queries and runs shortly after a relevant change.

The rules are those of the real collector ("Garbage Collection" in the Kubernetes documentation): an object is deleted
if all its owners are absent, and loses the references to absent owners otherwise. The finalizer `foregroundDeletion`
keeps an owner until the dependents that block it are deleted; `orphan` removes the references of its dependents. A
terminating namespace is removed when it is empty.
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

PAUSE_SECONDS = 0.05  # combines the changes of a burst; the real collector takes about half a second


class GarbageCollector:
    """Deletes objects that have lost their owners."""

    def __init__(self, store: Store, registry: Registry, now: Callable[[], datetime]) -> None:
        self._store, self._registry = store, registry
        self._writer, self._deleter = Writer(store, now), Deleter(store, now)
        self._pass_due = asyncio.Event()
        self._pass_due.set()
        store.observe(self._on_change)

    async def run(self) -> None:
        """Run a pass after each relevant change, until cancelled."""
        while True:
            await self._pass_due.wait()
            self._pass_due.clear()
            try:
                self.collect()
            except Exception:  # the task's boundary: one failing object must not end the collection
                logger.exception("garbage collection failed; it runs again after the next change")
            await asyncio.sleep(PAUSE_SECONDS)

    def _on_change(self, change: Change) -> None:
        affects_owners = change.type == "DELETED" or '"ownerReferences":' in change.body
        if affects_owners or '"deletionTimestamp":' in change.body:
            self._pass_due.set()

    def collect(self) -> None:
        """Run one pass; its own deletions cause the next one."""
        for key in self._store.with_absent_owner():
            self._remove_absent_owners(key)
        for key in self._store.in_deletion():
            finalizers = self._meta(key).get("finalizers", [])
            if FOREGROUND in finalizers:
                self._delete_dependents(key)
            elif ORPHAN in finalizers:
                self._orphan_dependents(key)
            elif key.resource == "namespaces":
                self._empty_namespace(key)

    def _read(self, key: Key) -> Obj:
        """Return the current object; earlier steps of a pass may have changed it."""
        text = self._store.get(key)
        obj: Obj = json.loads(text) if text else {"metadata": {}}
        return obj

    def _meta(self, key: Key) -> Obj:
        meta: Obj = self._read(key)["metadata"]
        return meta

    def _remove_absent_owners(self, key: Key) -> None:
        """Delete an object whose owners are all absent, or remove the absent ones from its references."""
        owners = self._meta(key).get("ownerReferences", [])
        present = [owner for owner in owners if self._is_present(owner, key)]
        if owners and not present:
            self._delete(key)
        elif present != owners:
            self._set_owners(key, present)

    def _is_present(self, owner: Obj, dependent: Key) -> bool:
        owner_key = self._store.by_uid(owner["uid"])
        return owner_key is not None and owner_key.namespace in ("", dependent.namespace)

    def _delete_dependents(self, key: Key) -> None:
        uid = self._meta(key)["uid"]
        blocking = {dependent for dependent in self._store.dependents(uid) if _blocks(self._meta(dependent), uid)}
        for dependent in self._store.dependents(uid):
            self._delete(dependent, "Foreground" if dependent in blocking else None)
        if not blocking:
            self._remove_finalizer(key, FOREGROUND)

    def _orphan_dependents(self, key: Key) -> None:
        uid = self._meta(key)["uid"]
        for dependent in self._store.dependents(uid):
            others = [owner for owner in self._meta(dependent)["ownerReferences"] if owner["uid"] != uid]
            self._set_owners(dependent, others)
        self._remove_finalizer(key, ORPHAN)

    def _empty_namespace(self, key: Key) -> None:
        for content_key in self._store.in_namespace(key.name):
            self._delete(content_key, "Background")
        if not self._store.in_namespace(key.name):
            self._store.delete(key, self._read(key))

    def _set_owners(self, key: Key, owners: list[Obj]) -> None:
        self._save_list(key, "ownerReferences", owners)

    def _remove_finalizer(self, key: Key, finalizer: str) -> None:
        """Remove a finalizer of the collector; the object is deleted if it was the last one."""
        others = [other for other in self._meta(key)["finalizers"] if other != finalizer]
        self._save_list(key, "finalizers", others)

    def _save_list(self, key: Key, field: str, entries: list[Any]) -> None:
        obj = self._read(key)
        if entries:
            obj["metadata"][field] = entries
        else:
            del obj["metadata"][field]
        self._writer.save(key, obj)

    def _delete(self, key: Key, propagation: Propagation | None = None) -> None:
        """Delete an object unless it is being deleted; the default propagation follows its own finalizers."""
        kind, meta = self._registry.by_resource(key.resource), self._meta(key)
        if kind is None or not meta or "deletionTimestamp" in meta:
            return
        own = {FOREGROUND, ORPHAN} & set(meta.get("finalizers", []))
        options = DeleteOptions(propagation or (None if own else "Background"))
        self._deleter.delete(kind, key, options)


def _blocks(dependent: Obj, owner: str) -> bool:
    """Return whether a dependent (its metadata) blocks the deletion of its owner (its uid)."""
    references = dependent.get("ownerReferences", [])
    return any(reference["uid"] == owner and reference.get("blockOwnerDeletion") for reference in references)
