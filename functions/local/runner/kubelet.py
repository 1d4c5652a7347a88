"""The kubelet: starts a pod's containers as processes, reports their status, and stops them when the pod is deleted.

The main container's process is recorded. Those beside it are started after that record and before the main one, and
end with it (sidecars) or keep the pod running (plain containers).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from functions.cluster.client import Cluster, Object
from functions.cluster.errors import AlreadyExists
from functions.cluster.kinds import EVENT, POD
from functions.local.runner import containers
from functions.local.runner.environment import command, environment, on_this_machine
from functions.local.runner.mounts import FAILED_MOUNT, NotReadyError, Sources
from functions.local.runner.outcomes import NEVER_STARTED, exit_code, killed, reported_outcome, shut_down
from functions.local.runner.paths import Layout, remove_tree
from functions.local.runner.pods import failed_mount, status_of
from functions.local.runner.process import Plan, Process, end_leftovers
from functions.local.runner.records import Outcome, Record, Records
from functions.local.runner.shim.process_tree import LONGEST_SECONDS
from functions.local.runner.volumes import create, mount

TERMINATION_LOG = "/dev/termination-log"
RETRY_SECONDS = 1.0
"""Interval between attempts to start a pod that is not ready."""

ExtraEnv = Callable[[Object, str], Mapping[str, str]]
"""Returns further variables for a pod and the name of one of its containers."""


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
        self._others: dict[str, dict[str, Process]] = {}
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
        running = {uid: self._all(uid) for uid in self._processes if any(each.running for each in self._all(uid))}
        for process in (each for processes in running.values() for each in processes):
            process.stop(grace)
        for job_uid, processes in running.items():
            for process in processes:
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
        if not any(each.running for each in self._all(record.job_uid)):
            return self._ended(record, pod, now)
        if terminating:
            grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0) if pod else 0.0
            for each in self._all(record.job_uid):
                each.stop(grace)
        elif pod and not process.running:
            self._stop_sidecars(record, pod)
        return record

    def _all(self, job_uid: str) -> list[Process]:
        """Return the processes of a pod, the main container's first."""
        return [self._processes[job_uid], *self._others.get(job_uid, {}).values()]

    def _stop_sidecars(self, record: Record, pod: Object) -> None:
        """Stop the sidecars once every other container has ended."""
        others = self._others.get(record.job_uid, {})
        if not any(others[each["name"]].running for each in containers.beside(pod)):
            for each in containers.sidecars(pod):
                others[each["name"]].stop(float(pod["spec"].get("terminationGracePeriodSeconds") or 0))

    def _start(self, record: Record, pod: Object, now: float) -> Record:
        """Start the container unless it must wait for a free process or an object; record the process first."""
        if len(self._processes) >= self._max_processes:
            self._queued[record.job_uid] = None
            return record
        try:
            plan, *others = self._plans(pod)
        except NotReadyError as obstacle:
            self._retry_later(record, pod, obstacle, now)
            return record
        self._obstacles.pop(record.job_uid, None)
        process = Process()
        record = self._records.started(record, process.pid, process.started)
        self._processes[record.job_uid] = process
        names = [each["name"] for each in (*containers.sidecars(pod), *containers.beside(pod))]
        self._others[record.job_uid] = {name: Process() for name in names}
        for other, plan_of_other in zip(self._others[record.job_uid].values(), others, strict=True):
            other.run(plan_of_other, lambda: self._wake(record.job_uid, 0))
        process.run(plan, lambda: self._wake(record.job_uid, 0))
        return record

    def _plans(self, pod: Object) -> list[Plan]:
        """Return the plan of each container, the main one's first."""
        metadata = pod["metadata"]
        sources = Sources(self._cluster, metadata["namespace"])
        volumes = create(pod, sources, self._layout)
        others = (*containers.sidecars(pod), *containers.beside(pod))
        plans = [self._plan(pod, containers.main(pod), "", sources, volumes)]
        return plans + [self._plan(pod, each, each["name"], sources, volumes) for each in others]

    def _plan(self, pod: Object, container: Object, name: str, sources: Sources, volumes: Mapping[str, Path]) -> Plan:
        """Return the plan of one container; `name` is empty for the main one."""
        metadata = pod["metadata"]
        declared = environment(pod, container, sources)
        root = mount(container, volumes, self._layout.root(metadata["uid"], name))
        log = self._layout.log(metadata["namespace"], metadata["name"], name)
        directory = self._layout.container(metadata["uid"], name)
        directory.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        workspace = root / (container.get("workingDir") or "/workspace").strip("/")
        return Plan(
            directory=str(directory),
            argv=command(container, declared, root),
            env=on_this_machine(declared, root) | dict(self._extra_env(pod, container["name"])),
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

    def _ended(self, record: Record, pod: Object | None, now: float) -> Record:
        plain = containers.beside(pod) if pod else ()
        others = {each["name"]: exit_code(record, self._layout, each["name"]) for each in plain}
        record = self._records.ended(record, replace(self._outcome(record, now), others=others))
        del self._processes[record.job_uid]
        self._others.pop(record.job_uid, None)
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
            end_leftovers(record.pid, record.started, self._layout.roots(record.pod_uid))
        return outcome or killed(record, now)

    def _report(self, record: Record, pod: Object, now: float) -> None:
        metadata = pod["metadata"]
        process = self._processes.get(record.job_uid)
        ended = self._outcome(record, now) if process and not process.running and not record.outcome else None
        status = status_of(pod, record, self._obstacles.get(record.job_uid), now, ended)
        if status != pod.get("status"):
            updated = self._cluster.patch(POD, metadata["namespace"], metadata["name"], {"status": status}, "status")
            pod.update(updated)

    def _clean(self, record: Record, *, keep_log: bool) -> None:
        """Delete the files of a pod that has ended, which include secrets, and its log once the pod is deleted."""
        assert record.pod_uid
        for directory in (*self._layout.roots(record.pod_uid), *self._layout.containers(record.pod_uid)):
            remove_tree(directory)
        if keep_log and self._layout.log(record.namespace, record.pod).exists():
            self._layout.log_end(record.namespace, record.pod).touch()
        if not keep_log:
            for file in self._layout.logs(record.namespace, record.pod):
                file.unlink(missing_ok=True)
