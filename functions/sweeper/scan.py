"""A scan of all objects of some kinds, page by page, that can stop anywhere and be continued there.

A page is released before the next one is read, so that memory does not depend on the number of objects. What is listed
from the API server's cache is one page, and few objects. If the API server has forgotten a continue token (410), the
scan lists from the start and skips the names that it has passed: lists are ordered by name.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from functions.cluster.errors import Gone
from functions.cluster.kinds import Kind
from functions.manifests.checkpoint import Cursor
from functions.queues.topics import ACK_DEADLINE
from functions.serving.dependencies import Dependencies

BUDGET = timedelta(seconds=ACK_DEADLINE * 2 / 3)
"""How long a pass works before it hands on. The rest, until its message is delivered again, is for the last step."""

Object = dict[str, Any]


class TimeBudget:
    """The time that a pass has, from now on."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock, self._end = clock, clock() + BUDGET

    @property
    def over(self) -> bool:
        """Whether the pass has to hand on."""
        return self._clock() >= self._end


class PagedScan:
    """Yields every object of the kinds after a cursor; `at` is the cursor of the last object that was done."""

    def __init__(
        self,
        deps: Dependencies,
        kinds: Sequence[Kind],
        begin: Cursor | None = None,
        *,
        labels: str = "",
        metadata_only: bool = False,
        cached: bool = False,
    ) -> None:
        """Begin at the first object if `begin` is None or of another kind; `labels` is a label selector.

        With `cached` the objects are as they were seconds ago (Cluster.list_page).
        """
        self._deps, self._labels, self._metadata_only, self._cached = deps, labels, metadata_only, cached
        names = [kind.name for kind in kinds]
        known = begin is not None and begin.kind in names
        self.at = begin if begin and known else Cursor(names[0])
        self._kinds = kinds[names.index(self.at.kind) :]

    def __iter__(self) -> Iterator[Object]:
        for kind in self._kinds:
            if kind.name != self.at.kind:
                self.at = Cursor(kind.name)
            yield from self._scan(kind)

    def _scan(self, kind: Kind) -> Iterator[Object]:
        token, restarted = self.at.token, None
        while True:
            try:
                page = self._page(kind, token)
            except Gone:
                if not token or restarted == self.at:
                    raise
                token, restarted = "", self.at
                continue
            following = page["metadata"].get("continue", "")
            for item in page.pop("items"):
                name = item["metadata"]["name"]
                if name > self.at.after:
                    yield item
                    self.at = Cursor(kind.name, name, token)
            token = following
            if not token:
                return

    def _page(self, kind: Kind, token: str) -> Object:
        namespace = self._deps.settings.namespace
        page = self._deps.cluster.list_page(
            kind, namespace, self._labels, token, metadata_only=self._metadata_only, cached=self._cached
        )
        if self._cached:  # caches of servers before Kubernetes 1.27 are not in the order of names
            page["items"].sort(key=lambda item: item["metadata"]["name"])
        return page
