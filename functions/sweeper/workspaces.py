"""Workspaces that no run names: reported, and deleted where that is configured, once they have been so for long.

They are listed before the runs that may use them, so that none is taken for unused that a run took meanwhile. One
that no run names is marked with the time, so that a later pass knows how long it has been so.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import VOLUME_CLAIM
from functions.runs.model import naming
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339
from functions.runs.retention import UNUSED_SINCE
from functions.serving.dependencies import Dependencies
from functions.sweeper.deletion import Chore, Seen, delete, seen
from functions.sweeper.live_attempts import OURS
from functions.sweeper.scan import PagedScan

log = logging.getLogger("orchestrator")

Object = Mapping[str, Any]


class Workspaces:
    """The claims of one pass; none are listed where nobody wants to know."""

    def __init__(self, services: Dependencies) -> None:
        """Raises a ClusterError."""
        self._services, self._longest = services, services.retention.workspaces
        self._claims: dict[str, tuple[Seen, datetime | None]] = {}
        """By name, each with the time since when it is marked as unused; in use and not marked: left out."""
        self._used: set[str] = set()
        if self._longest is not None:
            for item in PagedScan(services, [VOLUME_CLAIM], labels=OURS, metadata_only=True):
                self._list(item["metadata"])

    def _list(self, metadata: Object) -> None:
        if "deletionTimestamp" not in metadata:
            self._claims[metadata["name"]] = (seen(metadata), _unused_since(metadata))

    def note(self, run: Run) -> None:
        """The workspace that the run names is in use."""
        name = naming.workspace(run.spec) if run.status_error and run.spec else run.status.workspace_name
        if name not in self._claims:
            return
        if self._claims[name][1] is None:
            del self._claims[name]
        else:
            self._used.add(name)

    def chores(self) -> Iterator[tuple[str, Chore]]:
        """What is to be done about each, by name and in the order of names; once all runs are noted."""
        for name, (item, since) in self._claims.items():
            yield name, partial(self._look, item, since)

    def _look(self, item: Seen, since: datetime | None, counts: Counter[str]) -> None:
        now = self._services.clock()
        if item.name in self._used:
            self._annotate(item, None)
        elif since is None:
            self._annotate(item, rfc3339(now))
        elif self._longest is not None and now - since >= self._longest:
            counts["unused workspaces"] += 1
            log.warning("workspace %s is unused since %s", item.name, since)
            if self._services.retention.delete_workspaces:
                delete(self._services, VOLUME_CLAIM, item, "workspaces", counts)

    def _annotate(self, item: Seen, since: str | None) -> None:
        change = {"resourceVersion": item.version, "annotations": {UNUSED_SINCE: since}}
        try:
            self._services.cluster.patch(VOLUME_CLAIM, item.namespace, item.name, {"metadata": change})
        except (Conflict, NotFound) as error:  # the next pass sees it as it is then
            log.info("workspace %s was not marked: %s", item.name, error)


def _unused_since(metadata: Object) -> datetime | None:
    """When it was marked; a time that nobody can read, or of no time zone, is no mark."""
    try:
        found = datetime.fromisoformat(metadata.get("annotations", {}).get(UNUSED_SINCE, ""))
    except ValueError:
        return None
    return found if found.tzinfo else None
