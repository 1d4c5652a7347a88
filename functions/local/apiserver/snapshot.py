"""A collection at an earlier version, so that all pages of a list show the same version.

The cost of a page depends on its size and on the changes since the list began, not on the number of objects: rows are
read lazily in order, and those written since are replaced by their earlier state.
"""

import heapq
from collections.abc import Iterator

from functions.local.apiserver.store import BEGINNING, NamespacedName, Store


class Snapshot:
    """The objects of a resource after a name; `version` must not be below the store's `compacted`."""

    def __init__(
        self, store: Store, version: int, resource: str, namespace: str | None, after: NamespacedName = BEGINNING
    ) -> None:
        self._store, self._range = store, (resource, namespace, after)
        self._previous = store.previous_states(version, *self._range) if version < store.version else {}

    def bodies(self) -> Iterator[tuple[NamespacedName, str]]:
        """Yield each name and body, in order, read lazily."""
        unchanged = (row for row in self._store.rows(*self._range) if row[0] not in self._previous)
        restored = ((name, state.body) for name, state in sorted(self._previous.items()) if state.body is not None)
        return heapq.merge(unchanged, restored)

    def count(self) -> int:
        """Return the number of objects."""
        difference = sum((state.body is not None) - state.exists_now for state in self._previous.values())
        return self._store.count(*self._range) + difference
