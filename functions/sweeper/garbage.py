"""Deletes objects that were kept long enough: task files and tombstones, and task files whose run is gone.

ConfigMaps are judged page by page, by their metadata alone, because they are most of what is stored. What has to be
known of the runs for it is small, because there may be many. A deletion carries the version that was read, so that an
object which changed since, or which another pass deleted first, is left alone.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import CONFIG_MAP, Kind
from functions.manifests import task_claim
from functions.manifests.tombstone import TOMBSTONE
from functions.runs.digest_set import DigestSet
from functions.runs.model.owner_reference import Owner, run_owner
from functions.runs.model.run import Run
from functions.runs.retention import ORPHANED_AFTER
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")

Object = Mapping[str, Any]
Chore = Callable[[Counter[str]], None]
"""Handles one object in a pass and counts the result."""


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object."""

    namespace: str
    name: str
    uid: str
    version: str


def version_of(metadata: Object) -> ObjectVersion:
    """Return the version with this metadata."""
    return ObjectVersion(metadata["namespace"], metadata["name"], metadata["uid"], metadata["resourceVersion"])


def delete(deps: Dependencies, kind: Kind, item: ObjectVersion, what: str, counts: Counter[str]) -> None:
    """Delete that version only, and count it under `what`. Raises ClusterError."""
    try:
        deps.cluster.delete(kind, item.namespace, item.name, item.uid, item.version)
        counts[what] += 1
        log.info("%s: %s deleted", what, item.name)
    except (Conflict, NotFound) as error:  # it has changed, or another pass was first
        log.info("%s: %s was left alone: %s", what, item.name, error)


class ConfigMapGarbage:
    """The ConfigMaps of one pass, which come after all runs."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps, self._retention = deps, deps.retention
        self._runs, self._expired = DigestSet(), DigestSet()

    def note(self, run: Run) -> None:
        """Note that the run exists, and which of its attempts ended long enough ago."""
        since = self._deps.clock() - self._retention.task_files
        self._runs.add(run.uid)
        for attempt in run.status.attempts:
            if attempt.finished_at and attempt.finished_at <= since:
                self._expired.add(_key(run.uid, attempt.job_name))

    def collect(self, metadata: Object, counts: Counter[str]) -> None:
        """Delete the ConfigMap if it is garbage. Raises ClusterError."""
        what = self._kind_of_garbage(metadata)
        if what:
            delete(self._deps, CONFIG_MAP, version_of(metadata), what, counts)

    def _kind_of_garbage(self, metadata: Object) -> str:
        """Return what the ConfigMap is counted as; empty if it is kept."""
        labels = metadata.get("labels", {})
        age = self._deps.clock() - datetime.fromisoformat(metadata["creationTimestamp"])
        if TOMBSTONE in labels:
            return "tombstones" if age >= self._retention.tombstones else ""
        if task_claim.TASK_CLAIM in labels:
            return "claims" if age >= task_claim.KEPT else ""
        owner = run_owner(metadata)
        if owner is None or "deletionTimestamp" in metadata:
            return ""
        if owner.uid in self._runs:
            return "task files" if _key(owner.uid, metadata["name"]) in self._expired else ""
        return "orphans" if age >= ORPHANED_AFTER and self._is_gone(metadata["namespace"], owner) else ""

    def _is_gone(self, namespace: str, owner: Owner) -> bool:
        """Return whether the run is gone, by reading it: it may have been created after the list."""
        run = self._deps.runs.find(owner.kind, namespace, owner.name)
        return run is None or run.uid != owner.uid


def _key(uid: str, name: str) -> str:
    return f"{uid}/{name}"
