"""Plays the kubelet: starts a pod's container as a process, reports it, ends it when the pod is to go."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import AlreadyExists
from functions.cluster.kinds import EVENT, POD
from functions.local.runner.environment import command, environment, on_this_machine
from functions.local.runner.mounts import FAILED_MOUNT, NotReadyError, Sources
from functions.local.runner.outcomes import NEVER_STARTED, killed, left_behind, shut_down
from functions.local.runner.paths import Layout, remove_tree
from functions.local.runner.pods import failed_mount, status_of
from functions.local.runner.process import Plan, Process, end_left_over
from functions.local.runner.records import Outcome, Record, Records
from functions.local.runner.shim.process_tree import LONGEST_SECONDS
from functions.local.runner.volumes import mount

TERMINATION_LOG = "/dev/termination-log"
RETRY_SECONDS = 1.0
"""Between tries of a pod that cannot start yet."""

ExtraEnv = Callable[[Object], Mapping[str, str]]


class Kubelet:
    """The pods of one machine. `wake(job_uid, seconds)` asks for another `sync` of that record so much later."""

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
        """One step of the pod towards its end, and its status reported; `pod` is None when it is gone."""
        if record.outcome is None:
            record = self._advance(record, pod, now)
        if pod is not None:
            self._report(record, pod, now)
        if record.outcome:
            self._clean(record, keep_log=pod is not None)
        return record

    def shut_down(self, grace: float, now: float) -> None:
        """Ends every process, as a node that goes down does; what had already ended is reported after the start."""
        at_work = {uid: process for uid, process in self._processes.items() if process.running}
        for process in at_work.values():
            process.stop(grace)
        for job_uid, process in at_work.items():
            process.wait(grace + LONGEST_SECONDS)
            record = self._records.get(job_uid)
            assert record
            self._records.ended(record, shut_down(self._outcome(record, now)))

    def _advance(self, record: Record, pod: Object | None, now: float) -> Record:
        process = self._processes.get(record.job_uid)
        leaving = pod is None or "deletionTimestamp" in pod["metadata"]
        if process is None:
            if leaving or pod is None:
                return self._records.ended(record, NEVER_STARTED)
            return self._start(record, pod, now)
        if not process.running:
            return self._ended(record, now)
        if leaving:
            process.stop(float(pod["metadata"].get("deletionGracePeriodSeconds") or 0) if pod else 0.0)
        return record

    def _start(self, record: Record, pod: Object, now: float) -> Record:
        """Starts the container if there is room and everything it needs; the process is on record before it runs."""
        if len(self._processes) >= self._max_processes:
            self._queued[record.job_uid] = None
            return record
        try:
            plan = self._plan(pod)
        except NotReadyError as obstacle:
            self._hold(record, pod, obstacle, now)
            return record
        self._obstacles.pop(record.job_uid, None)
        process = Process()
        record = self._records.started(record, process.pid, process.started)
        self._processes[record.job_uid] = process
        process.go(plan, lambda: self._wake(record.job_uid, 0))
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

    def _hold(self, record: Record, pod: Object, obstacle: NotReadyError, now: float) -> None:
        self._wake(record.job_uid, RETRY_SECONDS)
        known = self._obstacles.get(record.job_uid)
        if obstacle.reason == FAILED_MOUNT and str(known) != str(obstacle):
            with suppress(AlreadyExists):
                self._cluster.create(EVENT, failed_mount(pod, obstacle, now))
        self._obstacles[record.job_uid] = obstacle

    def _ended(self, record: Record, now: float) -> Record:
        record = self._records.ended(record, self._outcome(record, now))
        del self._processes[record.job_uid]
        for job_uid in [*self._queued][: self._max_processes - len(self._processes)]:
            del self._queued[job_uid]  # it queues again where there is no room after all
            self._wake(job_uid, 0)
        return record

    def _outcome(self, record: Record, now: float) -> Outcome:
        """How the container ended; where its shim was killed, what that left running is ended first."""
        outcome = left_behind(record, self._layout)
        if outcome is None:
            assert record.pod_uid
            assert record.pid is not None
            assert record.started is not None
            end_left_over(record.pid, record.started, self._layout.root(record.pod_uid))
        return outcome or killed(record, now)

    def _report(self, record: Record, pod: Object, now: float) -> None:
        metadata = pod["metadata"]
        status = status_of(pod, record, self._obstacles.get(record.job_uid), now)
        if status != pod.get("status"):
            found = self._cluster.patch(POD, metadata["namespace"], metadata["name"], {"status": status}, "status")
            pod.update(found)

    def _clean(self, record: Record, *, keep_log: bool) -> None:
        """Nothing of a pod that has ended stays but its log: above all, no secret. The log goes with the object."""
        assert record.pod_uid
        remove_tree(self._layout.root(record.pod_uid))
        remove_tree(self._layout.container(record.pod_uid))
        log, end = (place(record.namespace, record.pod) for place in (self._layout.log, self._layout.log_end))
        if keep_log and log.exists():
            end.touch()
        if not keep_log:
            log.unlink(missing_ok=True)
            log.with_suffix(".times").unlink(missing_ok=True)
            end.unlink(missing_ok=True)
