"""The kubelet: starts a pod's container as a process, reports its status, and stops it when the pod is deleted."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import AlreadyExists
from functions.cluster.kinds import EVENT, POD
from functions.local.runner.environment import command, environment, on_this_machine
from functions.local.runner.mounts import FAILED_MOUNT, NotReadyError, Sources
from functions.local.runner.outcomes import NEVER_STARTED, killed, reported_outcome, shut_down
from functions.local.runner.paths import Layout, remove_tree
from functions.local.runner.pods import failed_mount, status_of
from functions.local.runner.process import Plan, Process, end_leftovers
from functions.local.runner.records import Outcome, Record, Records
from functions.local.runner.shim.process_tree import LONGEST_SECONDS
from functions.local.runner.volumes import mount

TERMINATION_LOG = "/dev/termination-log"
RETRY_SECONDS = 1.0
"""Interval between attempts to start a pod that is not ready."""

ExtraEnv = Callable[[Object], Mapping[str, str]]


class Kubelet:
    """Runs the pods of one machine; `wake(job_uid, seconds)` schedules another `sync` of that record."""

    def __init__(
        self,
        cluster: Cluster,
        records: Records,
        layout: Layout,
        extra_env: ExtraEnv,
        max_processes: int,
        wake: Callable[[str, float], None],
    ) -> None:
        self._cluster = cluster
        self._records = records
        self._layout = layout
        self._extra_env = extra_env
        self._max_processes = max_processes
        self._wake = wake
        self._processes: dict[str, Process] = {}
        self._obstacles: dict[str, NotReadyError] = {}
        self._queued: dict[str, None] = {}

    def sync(self, record: Record, pod: Object | None, now: float) -> Record:
        """Perform the pod's next step and report its status; `pod` is None if it is deleted."""
        if record.outcome is None:
            record = self._advance(record, pod, now)
        if pod is not None:
            self._report(record, pod, now)
        if record.outcome:
            self._clean(record, keep_log=pod is not None)
        return record

    def shut_down(self, grace: float, now: float) -> None:
        """Stop every process, like a node that shuts down; the pods are reported after the next start."""
        running = {uid: process for uid, process in self._processes.items() if process.running}
        for process in running.values():
            process.stop(grace)
        for job_uid, process in running.items():
            process.wait(grace + LONGEST_SECONDS)
            record = self._records.get(job_uid)
            assert record
            self._records.ended(record, shut_down(self._outcome(record, now)))

    def _advance(self, record: Record, pod: Object | None, now: float) -> Record:
        process = self._processes.get(record.job_uid)
        terminating = pod is None or "deletionTimestamp" in pod["metadata"]
        if process is None:
            if terminating or pod is None:
                return self._records.ended(record, NEVER_STARTED)
            return self._start(record, pod, now)
        if not process.running:
            return self._ended(record, now)
        if terminating:
            process.stop(float(pod["metadata"].get("deletionGracePeriodSeconds") or 0) if pod else 0.0)
        return record

    def _start(self, record: Record, pod: Object, now: float) -> Record:
        """Start the container unless it must wait for a free process or an object; record the process first."""
        if len(self._processes) >= self._max_processes:
            self._queued[record.job_uid] = None
            return record
        try:
            plan = self._plan(pod)
        except NotReadyError as obstacle:
            self._retry_later(record, pod, obstacle, now)
            return record
        self._obstacles.pop(record.job_uid, None)
        process = Process()
        record = self._records.started(record, process.pid, process.started)
        self._processes[record.job_uid] = process
        process.run(plan, lambda: self._wake(record.job_uid, 0))
        return record

    def _plan(self, pod: Object) -> Plan:
        metadata, container = pod["metadata"], pod["spec"]["containers"][0]
        sources = Sources(self._cluster, metadata["namespace"])
        declared = environment(pod, container, sources)
        root = mount(pod, container, sources, self._layout)
        log = self._layout.log(metadata["namespace"], metadata["name"])
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        workspace = root / (container.get("workingDir") or "/workspace").strip("/")
        return Plan(
            directory=str(self._layout.container(metadata["uid"])),
            argv=command(container, declared, root),
            env=on_this_machine(declared, root) | dict(self._extra_env(pod)),
            cwd=str(workspace if workspace.is_dir() else root),
            log=str(log),
            message=f"{root}{container.get('terminationMessagePath', TERMINATION_LOG)}",
        )

    def _retry_later(self, record: Record, pod: Object, obstacle: NotReadyError, now: float) -> None:
        self._wake(record.job_uid, RETRY_SECONDS)
        previous = self._obstacles.get(record.job_uid)
        if obstacle.reason == FAILED_MOUNT and str(previous) != str(obstacle):
            with suppress(AlreadyExists):
                self._cluster.create(EVENT, failed_mount(pod, obstacle, now))
        self._obstacles[record.job_uid] = obstacle

    def _ended(self, record: Record, now: float) -> Record:
        record = self._records.ended(record, self._outcome(record, now))
        del self._processes[record.job_uid]
        for job_uid in [*self._queued][: self._max_processes - len(self._processes)]:
            del self._queued[job_uid]  # queued again if no process is free after all
            self._wake(job_uid, 0)
        return record

    def _outcome(self, record: Record, now: float) -> Outcome:
        """Return how the container ended; if its shim was killed, end the processes that it left first."""
        outcome = reported_outcome(record, self._layout)
        if outcome is None:
            assert record.pod_uid
            assert record.pid is not None
            assert record.started is not None
            end_leftovers(record.pid, record.started, self._layout.root(record.pod_uid))
        return outcome or killed(record, now)

    def _report(self, record: Record, pod: Object, now: float) -> None:
        metadata = pod["metadata"]
        status = status_of(pod, record, self._obstacles.get(record.job_uid), now)
        if status != pod.get("status"):
            updated = self._cluster.patch(POD, metadata["namespace"], metadata["name"], {"status": status}, "status")
            pod.update(updated)

    def _clean(self, record: Record, *, keep_log: bool) -> None:
        """Delete the files of a pod that has ended, which include secrets, and its log once the pod is deleted."""
        assert record.pod_uid
        remove_tree(self._layout.root(record.pod_uid))
        remove_tree(self._layout.container(record.pod_uid))
        log, end = (path(record.namespace, record.pod) for path in (self._layout.log, self._layout.log_end))
        if keep_log and log.exists():
            end.touch()
        if not keep_log:
            log.unlink(missing_ok=True)
            log.with_suffix(".times").unlink(missing_ok=True)
            end.unlink(missing_ok=True)
