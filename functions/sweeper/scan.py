"""A walk through all objects of some kinds, page by page, that can stop anywhere and be taken up from there.

A page is let go before the next one is read, so that the memory taken does not depend on how many there are. A
continue token that the API server has forgotten (410) costs a list from the start, in which what was passed already
is passed over by name: lists are in the order of names.
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
"""How long a pass works before it hands on: what is left until its message comes again is for the step under way."""

Object = dict[str, Any]


class TimeBudget:
    """When a pass, begun now, has to hand on."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock, self._end = clock, clock() + BUDGET

    @property
    def over(self) -> bool:
        """Whether it has come."""
        return self._clock() >= self._end


class PagedScan:
    """Yields every object of the kinds that comes after a mark; `at` is the mark of the one that was done last."""

    def __init__(
        self,
        services: Dependencies,
        kinds: Sequence[Kind],
        begin: Cursor | None = None,
        *,
        labels: str = "",
        metadata_only: bool = False,
    ) -> None:
        self._services, self._labels, self._metadata_only = services, labels, metadata_only
        names = [kind.name for kind in kinds]
        known = begin is not None and begin.kind in names
        self.at = begin if begin and known else Cursor(names[0])
        self._kinds = kinds[names.index(self.at.kind) :]

    def __iter__(self) -> Iterator[Object]:
        for kind in self._kinds:
            if kind.name != self.at.kind:
                self.at = Cursor(kind.name)
            yield from self._through(kind)

    def _through(self, kind: Kind) -> Iterator[Object]:
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
        namespace = self._services.settings.namespace
        return self._services.cluster.list_page(kind, namespace, self._labels, token, metadata_only=self._metadata_only)
