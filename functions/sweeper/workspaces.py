"""Workspaces that no run names: reported, and deleted if settings say so, after they have been unused for long.

They are listed before the runs that may use them, so that none counts as unused that a run took meanwhile. An unused
one is annotated with the time, so that a later pass knows for how long it has been unused.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import VOLUME_CLAIM
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339
from functions.runs.retention import UNUSED_SINCE
from functions.serving.dependencies import Dependencies
from functions.sweeper.garbage import Chore, ObjectVersion, delete, version_of
from functions.sweeper.live_attempts import OURS
from functions.sweeper.scan import PagedScan

log = logging.getLogger("orchestrator")

Object = Mapping[str, Any]


class Workspaces:
    """The volume claims of one pass. None are listed if unused ones are neither reported nor deleted."""

    def __init__(self, deps: Dependencies) -> None:
        """List the claims. Raises ClusterError."""
        self._deps, self._longest = deps, deps.retention.workspaces
        self._claims: dict[str, tuple[ObjectVersion, datetime | None]] = {}
        """Claims by name, with the annotated time since which each is unused; one in use without it is left out."""
        self._used: set[str] = set()
        if self._longest is not None:
            for item in PagedScan(deps, [VOLUME_CLAIM], labels=OURS, metadata_only=True):
                self._add(item["metadata"])

    def _add(self, metadata: Object) -> None:
        if "deletionTimestamp" not in metadata:
            self._claims[metadata["name"]] = (version_of(metadata), _unused_since(metadata))

    def note(self, run: Run) -> None:
        """Note that the workspace of the run is in use."""
        name = run.spec.workspace if run.status_error and run.spec else run.status.workspace_name
        if name not in self._claims:
            return
        if self._claims[name][1] is None:
            del self._claims[name]
        else:
            self._used.add(name)

    def chores(self) -> Iterator[tuple[str, Chore]]:
        """Yield what is to be done for each claim, in the order of names. All runs have to be noted before."""
        for name, (item, since) in self._claims.items():
            yield name, partial(self._visit, item, since)

    def _visit(self, item: ObjectVersion, since: datetime | None, counts: Counter[str]) -> None:
        now = self._deps.clock()
        if item.name in self._used:
            self._annotate(item, None)
        elif since is None:
            self._annotate(item, rfc3339(now))
        elif self._longest is not None and now - since >= self._longest:
            counts["unused workspaces"] += 1
            log.warning("workspace %s is unused since %s", item.name, since)
            if self._deps.retention.delete_workspaces:
                delete(self._deps, VOLUME_CLAIM, item, "workspaces", counts)

    def _annotate(self, item: ObjectVersion, since: str | None) -> None:
        change = {"resourceVersion": item.version, "annotations": {UNUSED_SINCE: since}}
        try:
            self._deps.cluster.patch(VOLUME_CLAIM, item.namespace, item.name, {"metadata": change})
        except (Conflict, NotFound) as error:  # the next pass sees its present state
            log.info("workspace %s was not annotated: %s", item.name, error)


def _unused_since(metadata: Object) -> datetime | None:
    """Return the annotated time; None if there is none, or if it is unreadable or without a time zone."""
    try:
        since = datetime.fromisoformat(metadata.get("annotations", {}).get(UNUSED_SINCE, ""))
    except ValueError:
        return None
    return since if since.tzinfo else None
