"""What was seen on the cluster: a run, its Job, its pods, reduced to the facts decisions are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from functions.runs.model import report
from functions.runs.model.owner_reference import run_owner
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run


class NotRead:
    """Marks what nobody has looked at yet, which is not the same as what is not there."""


NOT_READ: Final = NotRead()


@dataclass(frozen=True, slots=True)
class Job:
    """A batch/v1 Job; small, since a sweep keeps those of all attempts under way."""

    name: str
    owner_uid: str | None
    parallelism: int
    ready: bool
    is_being_stopped: bool
    suspended: bool
    ended: bool
    deadline_exceeded: bool
    has_no_pod: bool = False
    """Whether it should have a pod and counts none; its Events may say why."""
    pod_rejection: tuple[Reason, str] | NotRead | None = NOT_READ
    """Why no pod can be made for it, as its Events say: reason and the cluster's words."""

    @property
    def fence(self) -> bool:
        """Made only so that its name is taken: it never starts a pod."""
        return self.parallelism == 0


@dataclass(frozen=True, slots=True)
class Pod:
    """A core/v1 Pod of an attempt; small, as a Job is."""

    name: str
    terminal: bool
    running: bool
    report: report.Report | None
    exit_code: int | None
    failure: tuple[Reason, str] | None
    """Why the cluster ended it, if it did: reason and the cluster's words."""
    waiting: tuple[Reason, str] | None
    """Why it cannot start, if it cannot: reason and the cluster's words."""
    unexplained: bool
    """Whether it has not started and does not say why; its Events may."""


@dataclass(frozen=True, slots=True)
class JobForbidden:
    """There is no Job, and the cluster refuses one that would only take its name; `why` in the cluster's words."""

    why: str


@dataclass(frozen=True, slots=True)
class Observed:
    """A run together with what has been read of its attempt so far."""

    run: Run
    job: Job | JobForbidden | NotRead | None = NOT_READ
    pods: Sequence[Pod] | NotRead = NOT_READ


STOPPED_AFTER = 1
"""activeDeadlineSeconds that we patch to stop a Job; no attempt is given so short a deadline by configuration."""


def parse_job(raw: Mapping[str, Any]) -> Job:
    """The facts of a Job object."""
    spec, status = raw.get("spec", {}), raw.get("status") or {}
    owner = run_owner(raw["metadata"])
    ends = [c for c in status.get("conditions") or () if c["type"] in ("Complete", "Failed") and c["status"] == "True"]
    busy = status.get("active") or status.get("ready") or spec.get("suspend") or ends
    return Job(
        name=raw["metadata"]["name"],
        owner_uid=owner.uid if owner else None,
        parallelism=spec.get("parallelism", 1),
        ready=bool(status.get("ready")),
        is_being_stopped=spec.get("activeDeadlineSeconds") == STOPPED_AFTER or "deletionTimestamp" in raw["metadata"],
        suspended=bool(spec.get("suspend")),
        ended=bool(ends),
        deadline_exceeded=any(c.get("reason") == "DeadlineExceeded" for c in ends),
        has_no_pod=not busy,
    )


def absent_job(name: str, owner_uid: str) -> Job:
    """What stands for a Job that is not there and that nobody can make any more: as good as a fence."""
    return Job(
        name=name,
        owner_uid=owner_uid,
        parallelism=0,
        ready=False,
        is_being_stopped=False,
        suspended=False,
        ended=False,
        deadline_exceeded=False,
    )


def parse_pod(raw: Mapping[str, Any]) -> Pod:
    """The facts of a Pod object with the container `agent`."""
    status = raw.get("status") or {}
    phase = status.get("phase", "Pending")
    containers = status.get("containerStatuses") or [{}]
    container = containers[0].get("state") or {}
    terminated = container.get("terminated") or {}
    waiting = _waiting(status, container.get("waiting") or {}) if phase == "Pending" else None
    return Pod(
        name=raw["metadata"]["name"],
        terminal=phase in ("Succeeded", "Failed"),
        running=phase == "Running" and "running" in container,
        report=report.read(terminated.get("message") or ""),
        exit_code=terminated.get("exitCode"),
        failure=_failure(status, terminated),
        waiting=waiting,
        unexplained=phase == "Pending" and waiting is None,
    )


_POD_REASONS = {
    "Evicted": Reason.EVICTED,
    "NodeLost": Reason.NODE_LOST,
    "NodeShutdown": Reason.NODE_LOST,
    "Terminated": Reason.NODE_LOST,
    "Preempting": Reason.PREEMPTED,
    "DeadlineExceeded": Reason.DEADLINE_EXCEEDED,
}
"""status.reason of a failed pod (kubelet: eviction, nodeshutdown, preemption; node lifecycle controller)."""

_DISRUPTIONS = {
    "PreemptionByScheduler": Reason.PREEMPTED,
    "DeletionByTaintManager": Reason.NODE_LOST,
    "DeletionByPodGC": Reason.NODE_LOST,
    "EvictionByEvictionAPI": Reason.EVICTED,
    "TerminationByKubelet": Reason.EVICTED,
}
"""Reasons of the pod condition DisruptionTarget (Kubernetes: Pod disruption conditions)."""


def _failure(status: Mapping[str, Any], terminated: Mapping[str, Any]) -> tuple[Reason, str] | None:
    words = status.get("message") or ""
    if terminated.get("reason") == "OOMKilled":
        return (
            Reason.OUT_OF_MEMORY,
            "the agent was killed for lack of memory: raise the memory limit (job.resources)",
        )
    for condition in status.get("conditions") or ():
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            found = _DISRUPTIONS.get(condition.get("reason", ""), Reason.EVICTED)
            return found, condition.get("message") or words
    reason = _POD_REASONS.get(status.get("reason") or "")
    return (reason, words) if reason else None


_WAITING = {
    "ErrImagePull": Reason.IMAGE_PULL_FAILED,
    "ImagePullBackOff": Reason.IMAGE_PULL_FAILED,
    "InvalidImageName": Reason.IMAGE_PULL_FAILED,
    "ErrImageNeverPull": Reason.IMAGE_PULL_FAILED,
    "CreateContainerConfigError": Reason.CONTAINER_CONFIG_ERROR,
    "CreateContainerError": Reason.CONTAINER_CONFIG_ERROR,
    "RunContainerError": Reason.CONTAINER_CONFIG_ERROR,
}
"""state.waiting.reason of a container that cannot start (kubelet: images, kuberuntime)."""


def _waiting(status: Mapping[str, Any], waiting: Mapping[str, Any]) -> tuple[Reason, str] | None:
    reason = _WAITING.get(waiting.get("reason", ""))
    if reason:
        return reason, waiting.get("message") or waiting["reason"]
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return Reason.UNSCHEDULABLE, condition.get("message") or "no node can take the pod"
    return None
