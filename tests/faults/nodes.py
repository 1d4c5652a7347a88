"""Nodes: the cluster's own behaviour, without the functions.

Kubelets start and end pods, the Job controller deletes the pods of suspended Jobs, a queue such as Kueue resumes
Jobs, and ended Jobs are deleted at the end of their TTL.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import AlreadyExists, NotFound
from functions.cluster.kinds import CONFIG_MAP, EVENT, JOB, POD, VOLUME_CLAIM, Kind
from functions.runs import api_group
from tests.faults.invariants import is_live
from tests.support.node import SimulatedNode, agent_state, container, warning
from tests.support.run_steps import DONE

Object = dict[str, Any]
PENDING: Object = {
    "phase": "Pending",
    "containerStatuses": [container({"waiting": {"reason": "ContainerCreating"}})],
}
"""Status of a pod whose volumes are not mounted; its Events say why."""

UNFINISHED = ("Pending", "Running")
"""Phases of a pod that has not ended."""


@dataclass(frozen=True)
class ContainerEnd:
    """How an agent's container ends."""

    report: str
    ok: bool
    terminated: Mapping[str, Any] = field(default_factory=dict)


WELL = ContainerEnd(DONE, ok=True)
STOPPED = ContainerEnd("", ok=False)


class Nodes:
    """The pods of one namespace, with kubelet, Job controller, queue and TTL controller."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace, self._node = cluster, namespace, SimulatedNode(cluster)
        self.endings: Mapping[int, ContainerEnd] = {}
        """Endings by attempt number; other attempts succeed."""
        self.orphans: set[str] = set()
        """Pods without an owner that were seen unfinished."""

    def jobs(self) -> list[Object]:
        return list(self._cluster.list(JOB, self._namespace))

    def live_jobs(self) -> list[Object]:
        """The Jobs that may have a pod."""
        return [job for job in self._unfinished_jobs() if not job["spec"].get("suspend")]

    def _unfinished_jobs(self) -> list[Object]:
        return [job for job in self.jobs() if is_live(job) and "deletionTimestamp" not in job["metadata"]]

    def pods_come_up(self) -> None:
        """Start the pods of live Jobs that have none."""
        for job in self.live_jobs():
            if not self._pod(job):
                self._starts(job)

    def pods_end(self, ending: ContainerEnd | None = None) -> None:
        """End the pods of live Jobs, if they can start: as `ending` says, or as `endings` says for the attempt."""
        for job in self.live_jobs():
            state, stopped = agent_state(self._pod(job)), job["spec"].get("activeDeadlineSeconds") == 1
            if "terminated" in state:
                if stopped:
                    self._deadline_ends(job)
            elif stopped or "running" in state or self._starts(job):
                self._agent_ends(job, STOPPED if stopped else ending or self._ending(job))

    def finish_pods(self) -> bool:
        """End the pods of live Jobs, and pods that outlive their Job; return whether there were any.

        A pod whose Job was deleted without it still runs for one call, because nothing stopped it.
        """
        suspended = self._queue_decides()
        live = [job["metadata"]["name"] for job in self.live_jobs()]
        self.pods_end()
        pods = [pod for pod in self._cluster.list(POD, self._namespace) if pod["status"]["phase"] in UNFINISHED]
        outlive = [pod for pod in pods if pod["metadata"]["labels"].get("job-name") not in live]
        for pod in outlive:
            name = pod["metadata"]["name"]
            if pod["metadata"].get("ownerReferences") or name in self.orphans:
                self._patch(POD, name, {"status": {"phase": "Failed", "reason": "DeadlineExceeded"}}, "status")
            self.orphans.add(name)
        return bool(suspended or live or outlive)

    def expired_jobs(self) -> Iterator[str]:
        """Delete the ended Jobs whose TTL is over; yield their names before."""
        for job in self.jobs():
            if not is_live(job) and "ttlSecondsAfterFinished" in job["spec"]:
                yield job["metadata"]["name"]
                self._cluster.delete(JOB, self._namespace, job["metadata"]["name"], job["metadata"]["uid"])

    def _queue_decides(self) -> bool:
        """Delete the pods of suspended Jobs; resume suspended Jobs without a pod."""
        suspended = [job for job in self._unfinished_jobs() if job["spec"].get("suspend")]
        for job in suspended:
            name, pod = job["metadata"]["name"], self._pod(job)
            if pod:
                self._cluster.delete(POD, self._namespace, pod["metadata"]["name"], pod["metadata"]["uid"])
                self._patch(JOB, name, {"status": {"active": 0, "ready": 0}}, "status")
            else:
                self._patch(JOB, name, {"spec": {"suspend": False}})
        return bool(suspended)

    def _starts(self, job: Object) -> bool:
        """Start the agent if all volumes of its pod exist or are mounted already; return whether it started."""
        name, status = job["metadata"]["name"], (self._pod(job) or {}).get("status", {})
        missing = next(self._missing(job["spec"]["template"]["spec"].get("volumes", ())), "")
        if not missing or "initContainerStatuses" in status:
            self._node.start_pod(self._namespace, name)
            return True
        self._node.set_pod_status(self._namespace, name, PENDING)
        with suppress(AlreadyExists):
            self._cluster.create(EVENT, warning(self._namespace, "Pod", f"{name}-pod", "FailedMount", missing))
        return False

    def _missing(self, volumes: list[Object]) -> Iterator[str]:
        """Yield the kubelet's message for each volume whose object does not exist."""
        for volume in volumes:
            if "configMap" in volume:
                yield from self._not_found(CONFIG_MAP, volume["configMap"]["name"])
            if "persistentVolumeClaim" in volume:
                yield from self._not_found(VOLUME_CLAIM, volume["persistentVolumeClaim"]["claimName"])

    def _not_found(self, kind: Kind, name: str) -> Iterator[str]:
        try:
            self._cluster.get(kind, self._namespace, name)
        except NotFound:
            yield f'{kind.name.lower()} "{name}" not found'

    def _ending(self, job: Object) -> ContainerEnd:
        number = job["metadata"].get("labels", {}).get(api_group.label("attempt"), "1")
        return self.endings.get(int(number), WELL)

    def _agent_ends(self, job: Object, end: ContainerEnd) -> None:
        name = job["metadata"]["name"]
        if not agent_state(self._pod(job)):
            self._node.start_pod(self._namespace, name)
        state = {"terminated": {"exitCode": 0 if end.ok else 1, "message": end.report, **end.terminated}}
        self._node.end_pod(self._namespace, name, {"phase": "Succeeded" if end.ok else "Failed"}, state)

    def _deadline_ends(self, job: Object) -> None:
        """End a pod that its sidecar kept open, as the Job's deadline does; container states stay."""
        self._node.end_pod(self._namespace, job["metadata"]["name"], {"phase": "Failed"}, None)

    def _pod(self, job: Object) -> Object | None:
        return next(self._cluster.list(POD, self._namespace, f"job-name={job['metadata']['name']}"), None)

    def _patch(self, kind: Kind, name: str, patch: Object, subresource: str = "") -> None:
        self._cluster.patch(kind, self._namespace, name, patch, subresource)
