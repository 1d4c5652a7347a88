"""The part of the Job controller of Kubernetes 1.31 and later that an attempt needs. Pure.

A Job has one pod: backoffLimit 0, restartPolicy Never. A failing Job gets two conditions: FailureTarget when the
failure is decided, Failed when its pod is deleted or terminal.

Sources: Kubernetes, Jobs: Job termination and cleanup; pkg/controller/job/job_controller.go.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum

from functions.cluster.client import Object
from functions.local.runner.pods import timestamp
from functions.local.runner.records import Outcome, Record

UNSUPPORTED = "UnsupportedPolicy"


class Stage(Enum):
    """The stage of the Job's pod."""

    NONE = 0
    PENDING = 1
    RUNNING = 2
    SUCCEEDED = 3
    FAILED = 4

    @classmethod
    def of(cls, record: Record | None) -> "Stage":
        """Return the stage according to a record."""
        match record:
            case None | Record(pod_uid=None):
                return cls.NONE
            case Record(outcome=None, pid=None):
                return cls.PENDING
            case Record(outcome=None):
                return cls.RUNNING
            case Record(outcome=Outcome(phase="Succeeded")):
                return cls.SUCCEEDED
        return cls.FAILED


ACTIVE = (Stage.PENDING, Stage.RUNNING)


def wants_pod(job: Object, now: float) -> bool:
    """Return whether a Job without a pod needs one now."""
    spec = job["spec"]
    inactive = spec.get("suspend") or spec.get("parallelism", 1) == 0 or "deletionTimestamp" in job["metadata"]
    return not inactive and not finished_at(job) and failure(job, Stage.NONE, now) is None


def failure(job: Object, stage: Stage, now: float) -> tuple[str, str] | None:
    """Return reason and message of the Job's failure; None if it does not fail."""
    target = _condition(job, "FailureTarget")
    if target:
        return target["reason"], target["message"]
    if stage is Stage.FAILED:
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    problems = list(_unsupported(job))
    if problems:
        return UNSUPPORTED, "; ".join(problems)
    due = deadline(job)
    if stage is not Stage.SUCCEEDED and due is not None and now >= due:
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    return None


def deadline(job: Object) -> float | None:
    """Return when the Job exceeds its active deadline, in seconds since the epoch; None if it has none."""
    started, seconds = (job.get("status") or {}).get("startTime"), job["spec"].get("activeDeadlineSeconds")
    return _seconds(started) + seconds if started and seconds is not None else None


def finished_at(job: Object) -> float | None:
    """Return when the Job completed or failed, in seconds since the epoch; None if it has not."""
    condition = _condition(job, "Complete") or _condition(job, "Failed")
    return _seconds(condition["lastTransitionTime"]) if condition else None


def expires(job: Object) -> float | None:
    """Return when the finished Job's TTL ends, in seconds since the epoch; None if it has none."""
    finished, ttl = finished_at(job), job["spec"].get("ttlSecondsAfterFinished")
    return finished + ttl if finished is not None and ttl is not None else None


def status_of(job: Object, stage: Stage, terminating: bool, now: float) -> Object:
    """Return the Job's new status; None marks fields to remove. `terminating`: its pod is being deleted."""
    old = job.get("status") or {}
    if finished_at(job):
        return old
    active = stage in ACTIVE
    counts = {
        "active": active and not terminating,
        "terminating": active and terminating,
        "ready": stage is Stage.RUNNING and not terminating,
        "succeeded": stage is Stage.SUCCEEDED,
        "failed": stage is Stage.FAILED,
    }
    status = old | {name: 1 if holds else None for name, holds in counts.items()}
    if not job["spec"].get("suspend"):
        status["startTime"] = old.get("startTime") or timestamp(now)
    return status | _end(job, stage, now)


def _end(job: Object, stage: Stage, now: float) -> Object:
    old: list[Object] = (job.get("status") or {}).get("conditions") or []
    cause = failure(job, stage, now)
    if cause:
        kinds = ("FailureTarget",) if stage in ACTIVE else ("FailureTarget", "Failed")
        return {"conditions": old + list(_new(old, kinds, *cause, now))}
    if stage is Stage.SUCCEEDED:
        reached = "CompletionsReached", "Reached expected number of succeeded pods"
        conditions = old + list(_new(old, ("SuccessCriteriaMet", "Complete"), *reached, now))
        return {"conditions": conditions, "completionTime": timestamp(now)}
    return {}


def _new(old: list[Object], kinds: tuple[str, ...], reason: str, message: str, now: float) -> Iterator[Object]:
    present = {condition["type"] for condition in old}
    times = {"lastProbeTime": timestamp(now), "lastTransitionTime": timestamp(now)}
    for kind in kinds:
        if kind not in present:
            yield {"type": kind, "status": "True", "reason": reason, "message": message, **times}


def _unsupported(job: Object) -> Iterator[str]:
    spec = job["spec"]
    pod = spec["template"]["spec"]
    path = "spec.template.spec"
    if spec.get("backoffLimit", 6) != 0:
        yield f"spec.backoffLimit is {spec.get('backoffLimit', 6)}: this runner creates one pod per Job; set it to 0"
    if spec.get("parallelism", 1) > 1 or (spec.get("completions") or 1) > 1:
        yield "spec.parallelism and spec.completions above 1: this runner creates one pod per Job; remove them"
    if pod.get("restartPolicy") != "Never":
        yield f"{path}.restartPolicy is {pod.get('restartPolicy')}: this runner starts a pod once; set it to Never"
    if any(container.get("restartPolicy") != "Always" for container in pod.get("initContainers") or ()):
        yield f"{path}.initContainers: this runner supports sidecars only; set their restartPolicy to Always"


def _condition(job: Object, kind: str) -> Object | None:
    conditions: list[Object] = (job.get("status") or {}).get("conditions") or []
    return next(
        (condition for condition in conditions if condition["type"] == kind and condition["status"] == "True"), None
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
