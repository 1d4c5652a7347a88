"""The observed state of a run, its Job and its pods, reduced to the facts on which decisions depend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from functions.runs.model import report
from functions.runs.model.owner_reference import run_owner
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run

Cause = tuple[Reason, str]
"""A reason and the cluster's words."""


class NotRead:
    """Type of NOT_READ: a fact that was not read yet, unlike None, which says that there is none."""


NOT_READ: Final = NotRead()


@dataclass(frozen=True, slots=True)
class Job:
    """A batch/v1 Job; small, because a sweep keeps those of all attempts under way."""

    name: str
    owner_uid: str | None
    parallelism: int
    ready: bool
    is_being_stopped: bool
    suspended: bool
    ended: bool
    deadline_exceeded: bool
    active: bool = False
    """Whether it has a pod that has not ended."""
    completed: bool = False
    """Whether it ended with every container's exit code 0."""
    has_no_pod: bool = False
    """Whether it should have a pod and counts none; its Events may say why."""
    reports_ready: bool = True
    """Whether its status counts ready pods (Kubernetes >= 1.24)."""
    pod_rejection: Cause | NotRead | None = NOT_READ
    """Why no pod is created for it, as its Events say."""

    @property
    def fence(self) -> bool:
        """Whether the Job only takes its name: it never starts a pod."""
        return self.parallelism == 0

    @property
    def may_outlive_agent(self) -> bool:
        """Whether it has a pod that is not ready although its agent ran, so that the agent may have ended."""
        return self.reports_ready and not self.ready and not self.has_no_pod


@dataclass(frozen=True, slots=True)
class Pod:
    """A core/v1 Pod of an attempt; small, as a Job is. The container `agent` decides (pod_status.py)."""

    name: str
    terminal: bool
    """Whether all of its containers have ended, so that its volumes are free."""
    agent_ended: bool
    """Whether the agent's container has ended, or will not start any more because the pod is terminal."""
    running: bool
    """Whether the agent's container runs."""
    report: report.Report | None
    exit_code: int | None
    failure: Cause | None
    """Why the cluster ended it, if it did."""
    waiting: Cause | None
    """Why the agent's container cannot start; None if it can, or if the pod does not say."""
    unexplained: bool
    """Whether the agent's container has not started and the pod does not say why; its Events may."""
    progress: str = ""
    """The state of a pod whose agent does not run, for people."""
    deletion_due: datetime | None = None
    """When a pod that is being deleted should be gone: at the end of its grace period."""
    orphaned: bool = False
    """Whether no Job owns it any more, so that only its own time limit or its deletion ends it."""
    held_open_by: tuple[str, ...] = ()
    """Containers that keep running after the agent's has ended and are not stopped by the kubelet, such as sidecars
    that a webhook injected."""
    agent_ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobForbidden:
    """There is no Job, and the cluster rejects even one that only takes its name; `why` in the cluster's words."""

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
    """Return the facts of a Job object."""
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
        active=bool(status.get("active")),
        completed=any(c["type"] == "Complete" for c in ends),
        has_no_pod=not busy,
        reports_ready="ready" in status,
    )


def absent_job(name: str, owner_uid: str) -> Job:
    """Return a fence in place of a Job that does not exist and that no process can create any more."""
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
