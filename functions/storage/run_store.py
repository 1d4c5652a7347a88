"""Reads and writes of DocsRuns and CodeRuns.

A write carries the resourceVersion that was read, so a run that has changed since raises Conflict. Errors are those of
`cluster.errors`.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError, Conflict, NotFound, loggable
from functions.cluster.kinds import EVENT, RUNS
from functions.manifests import event
from functions.runs import api_group
from functions.runs.model.run import Run, parse
from functions.runs.model.status import RunStatus
from functions.storage import conflicts
from functions.telemetry.run_metrics import measure

log = logging.getLogger("orchestrator")

Object = Mapping[str, Any]
T = TypeVar("T")

UNFINISHED = f"!{api_group.FINISHED}"
"""Label selector of the runs that may hold a slot or wait for one."""


class RunStore:
    """The runs of one cluster; lists cover one namespace."""

    def __init__(self, cluster: Cluster, namespace: str, clock: Callable[[], datetime]) -> None:
        self._cluster, self._namespace, self._clock = cluster, namespace, clock

    def get(self, kind: str, namespace: str, name: str) -> Run:
        """Return the run at its present version; raise NotFound if it is deleted."""
        return parse(self._cluster.get(RUNS[kind], namespace, name))

    def find(self, kind: str, namespace: str, name: str) -> Run | None:
        """Return the run at its present version, or None if there is none of that name."""
        try:
            return self.get(kind, namespace, name)
        except NotFound:
            return None

    def reread(self, run: Run) -> Run:
        """Return the run at its present version; raise NotFound if it is deleted.

        A run of the same name that was created later has another uid.
        """
        return self.get(run.kind, run.namespace, run.name)

    def list(self, labels: str = "", *, cached: bool = False) -> Iterator[Run]:
        """Yield the runs of every kind that match a label selector; with `cached` as they were seconds ago."""
        for kind in RUNS.values():
            for raw in self._cluster.list(kind, self._namespace, labels, cached=cached):
                yield parse(raw)

    def list_unfinished(self, *, cached: bool = False) -> Iterator[Run]:
        """Yield every run that may hold a slot or wait for one; with `cached` as they were seconds ago."""
        return self.list(UNFINISHED, cached=cached)

    def create(self, item: dict[str, Any]) -> Run:
        """Return the created run; raise AlreadyExists if its name is taken."""
        return parse(self._cluster.create(RUNS[item["kind"]], item))

    def patch(self, run: Run, patch: Object) -> Run:
        """Apply a JSON merge patch and return the run after it.

        With `metadata.resourceVersion` in the patch, raise Conflict if the run has another version.
        """
        return parse(self._cluster.patch(RUNS[run.kind], run.namespace, run.name, patch))

    def write_status(self, run: Run, status: RunStatus) -> Run:
        """Write the whole status and return the run after it; raise Conflict if the run has moved on.

        A change of the reason is logged, counted and posted as a Kubernetes Event.
        """
        written = parse(self._cluster.replace_status(RUNS[run.kind], run.to_status_update(status)))
        measure(run, status)
        condition, before = status.succeeded, run.status.succeeded
        if condition and (before is None or before.reason != condition.reason):
            log.info("%s", status.phase, extra={"run": run.key, "attempt": status.attempt, "reason": condition.reason})
            self._post_event(written)
        return written

    def retry_on_conflict(self, run: Run, work: Callable[[Run], T], gave_up: str) -> T:
        """Return work(run), repeating it with the run's present version while it raises Conflict.

        Raises:
            Conflict: all tries failed; `gave_up` says what happens next, for the log.
            NotFound: the run was deleted.
        """

        def attempt() -> T:
            nonlocal run
            try:
                return work(run)
            except Conflict:
                run = self.reread(run)
                raise

        return conflicts.retry_on_conflict(attempt, f"run {run.key}; {gave_up}")

    def _post_event(self, run: Run) -> None:
        """Post the Kubernetes Event of a transition. It is for people: an error is logged, and the run continues."""
        item = event.of(run, self._clock())
        try:
            if item:
                self._cluster.create(EVENT, item)
        except ClusterError as error:
            log.warning("no Event was posted: %s", loggable(error), extra={"run": run.key})
