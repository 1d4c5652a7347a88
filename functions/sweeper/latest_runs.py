"""Keeps the number of finished runs within `retention.max_finished`: the earliest to end are deleted first."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from functions.runs.model.run import Run
from functions.runs.retention import may_be_deleted
from functions.sweeper.garbage import ObjectVersion, version_of


@dataclass(frozen=True, slots=True, order=True)
class FinishedRun:
    """A finished run as it was listed, ordered by its end."""

    finished_at: float
    """Seconds since the epoch; a number takes less memory than a datetime."""
    name: str
    kind: str = field(compare=False)
    version: ObjectVersion = field(compare=False)


class LatestRuns:
    """The latest finished runs of a pass, at most so many of them; takes the memory of these alone."""

    def __init__(self, most: int | None) -> None:
        """Keep `most` runs; None: all."""
        self._most = most
        self._kept: list[FinishedRun] = []
        """A heap: the run that ended first comes first."""

    def keep(self, run: Run) -> Iterator[FinishedRun]:
        """Take the run into account; yield the one that ended first, if there are too many now."""
        if self._most is None or not may_be_deleted(run) or run.status.finished_at is None:
            return
        version = version_of(run.raw["metadata"])
        item = FinishedRun(run.status.finished_at.timestamp(), run.name, run.kind, version)
        if len(self._kept) < self._most:
            heapq.heappush(self._kept, item)
        else:
            yield heapq.heappushpop(self._kept, item)
