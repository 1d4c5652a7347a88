"""A collection as it was at one version, from a place on: the pages of one list are all of one moment.

A page costs what it holds and what changed since its list began, however many objects there are: rows are read in
order as they are asked for, and those that were written since are put back to what they were.
"""

import heapq
from collections.abc import Iterator

from functions.local.apiserver.store import BEGINNING, Place, Store


class Snapshot:
    """The objects of a resource after a place; `version` must not be below what the store has compacted."""

    def __init__(
        self, store: Store, version: int, resource: str, namespace: str | None, after: Place = BEGINNING
    ) -> None:
        self._store, self._where = store, (resource, namespace, after)
        self._undone = store.undone(version, *self._where) if version < store.version else {}

    def bodies(self) -> Iterator[tuple[Place, str]]:
        """Each body with its place, in order, read as they are asked for."""
        kept = (row for row in self._store.rows(*self._where) if row[0] not in self._undone)
        back = ((place, was.body) for place, was in sorted(self._undone.items()) if was.body is not None)
        return heapq.merge(kept, back)

    def count(self) -> int:
        """How many there are."""
        gone = sum((was.body is not None) - was.there for was in self._undone.values())
        return self._store.count(*self._where) + gone
