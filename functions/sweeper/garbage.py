"""Task files and tombstones that have been kept long enough, and task files whose run is gone.

They are judged page by page, without their content, for they are most of what is stored; what has to be known of the
runs for it is little for each, since there may be many.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from functions.cluster.kinds import CONFIG_MAP, RUNS
from functions.manifests import task_claim
from functions.manifests.tombstone import TOMBSTONE
from functions.runs import api_group
from functions.runs.digest_set import DigestSet
from functions.runs.model.run import Run
from functions.runs.retention import ORPHANED_AFTER
from functions.serving.dependencies import Dependencies
from functions.sweeper.deletion import delete, seen

Object = Mapping[str, Any]


class Leftovers:
    """The ConfigMaps of one pass, which come after all runs."""

    def __init__(self, services: Dependencies) -> None:
        self._services, self._kept = services, services.retention
        self._runs, self._over = DigestSet(), DigestSet()

    def note(self, run: Run) -> None:
        """The run is there, and its task files are over whose attempt ended long enough ago."""
        since = self._services.clock() - self._kept.task_files
        self._runs.add(run.uid)
        for each in run.status.attempts:
            if each.finished_at and each.finished_at <= since:
                self._over.add(_of(run.uid, each.job_name))

    def look(self, metadata: Object, counts: Counter[str]) -> None:
        """Deletes the ConfigMap where it is one of them. Raises a ClusterError."""
        what = self._due(metadata)
        if what:
            delete(self._services, CONFIG_MAP, seen(metadata), what, counts)

    def _due(self, metadata: Object) -> str:
        """Which of them it is; "" where it is kept."""
        age = self._services.clock() - datetime.fromisoformat(metadata["creationTimestamp"])
        if TOMBSTONE in metadata.get("labels", {}):
            return "tombstones" if age >= self._kept.tombstones else ""
        if task_claim.TASK_CLAIM in metadata.get("labels", {}):
            return "claims" if age >= task_claim.KEPT else ""
        owner = _owner(metadata)
        if owner is None or "deletionTimestamp" in metadata:
            return ""
        if owner["uid"] in self._runs:
            return "task files" if _of(owner["uid"], metadata["name"]) in self._over else ""
        return "orphans" if age >= ORPHANED_AFTER and self._is_gone(metadata["namespace"], owner) else ""

    def _is_gone(self, namespace: str, owner: Object) -> bool:
        """The second look."""
        run = self._services.runs.find(owner["kind"], namespace, owner["name"])
        return run is None or bool(run.uid != owner["uid"])


def _of(uid: str, name: str) -> str:
    return f"{uid}/{name}"


def _owner(metadata: Object) -> Object | None:
    """The reference to the run it was made for."""
    owners = (owner for owner in metadata.get("ownerReferences", ()) if owner["apiVersion"] == api_group.API_VERSION)
    return next((owner for owner in owners if owner["kind"] in RUNS), None)
