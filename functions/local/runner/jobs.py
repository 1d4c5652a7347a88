"""Jobs as the Job controller of Kubernetes 1.31 and later handles them, as far as an attempt needs it. Pure.

One pod per Job, never a second: backoffLimit 0, restartPolicy Never. A failing Job is marked twice: FailureTarget
when it is decided, Failed when its pod is gone or terminal.

Sources: Kubernetes, Jobs: Job termination and cleanup; pkg/controller/job/job_controller.go.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum

from functions.cluster.client import Object
from functions.local.runner.pods import stamp
from functions.local.runner.records import Outcome, Record

UNSUPPORTED = "UnsupportedPolicy"


class Stage(Enum):
    """How far the Job's pod has come."""

    NONE = 0
    PENDING = 1
    RUNNING = 2
    SUCCEEDED = 3
    FAILED = 4

    @classmethod
    def of(cls, record: Record | None) -> "Stage":
        """The stage a record shows."""
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
    """Whether the Job's pod is to be made now, if it has none."""
    spec = job["spec"]
    held = spec.get("suspend") or spec.get("parallelism", 1) == 0 or "deletionTimestamp" in job["metadata"]
    return not held and not finished_at(job) and failure(job, Stage.NONE, now) is None


def failure(job: Object, stage: Stage, now: float) -> tuple[str, str] | None:
    """Why the Job fails, if it does: reason and message."""
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
    """When the Job has been active for too long, in seconds since the epoch."""
    started, seconds = (job.get("status") or {}).get("startTime"), job["spec"].get("activeDeadlineSeconds")
    return _seconds(started) + seconds if started and seconds is not None else None


def finished_at(job: Object) -> float | None:
    """When the Job was done with, well or not."""
    done = _condition(job, "Complete") or _condition(job, "Failed")
    return _seconds(done["lastTransitionTime"]) if done else None


def expires(job: Object) -> float | None:
    """When the finished Job is to be deleted."""
    finished, ttl = finished_at(job), job["spec"].get("ttlSecondsAfterFinished")
    return finished + ttl if finished is not None and ttl is not None else None


def status_of(job: Object, stage: Stage, leaving: bool, now: float) -> Object:
    """The Job's status as it is to be now; None marks what is to be left out. `leaving`: its pod is being ended."""
    old = job.get("status") or {}
    if finished_at(job):
        return old
    active = stage in ACTIVE
    counts = {
        "active": active and not leaving,
        "terminating": active and leaving,
        "ready": stage is Stage.RUNNING and not leaving,
        "succeeded": stage is Stage.SUCCEEDED,
        "failed": stage is Stage.FAILED,
    }
    found = old | {name: 1 if holds else None for name, holds in counts.items()}
    if not job["spec"].get("suspend"):
        found["startTime"] = old.get("startTime") or stamp(now)
    return found | _end(job, stage, now)


def _end(job: Object, stage: Stage, now: float) -> Object:
    old: list[Object] = (job.get("status") or {}).get("conditions") or []
    why = failure(job, stage, now)
    if why:
        kinds = ("FailureTarget",) if stage in ACTIVE else ("FailureTarget", "Failed")
        return {"conditions": old + list(_new(old, kinds, *why, now))}
    if stage is Stage.SUCCEEDED:
        reached = "CompletionsReached", "Reached expected number of succeeded pods"
        conditions = old + list(_new(old, ("SuccessCriteriaMet", "Complete"), *reached, now))
        return {"conditions": conditions, "completionTime": stamp(now)}
    return {}


def _new(old: list[Object], kinds: tuple[str, ...], reason: str, message: str, now: float) -> Iterator[Object]:
    present = {condition["type"] for condition in old}
    times = {"lastProbeTime": stamp(now), "lastTransitionTime": stamp(now)}
    for kind in kinds:
        if kind not in present:
            yield {"type": kind, "status": "True", "reason": reason, "message": message, **times}


def _unsupported(job: Object) -> Iterator[str]:
    spec = job["spec"]
    pod = spec["template"]["spec"]
    where = "spec.template.spec"
    if spec.get("backoffLimit", 6) != 0:
        yield f"spec.backoffLimit is {spec.get('backoffLimit', 6)}: a Job gets one pod here; set it to 0"
    if spec.get("parallelism", 1) > 1 or (spec.get("completions") or 1) > 1:
        yield "spec.parallelism and spec.completions above 1: a Job gets one pod here; leave them out"
    if pod.get("restartPolicy") != "Never":
        yield f"{where}.restartPolicy is {pod.get('restartPolicy')}: a pod is started once here; set it to Never"
    if len(pod.get("containers") or ()) != 1 or pod.get("initContainers"):
        yield f"{where}.containers: one container and no initContainers are run here"


def _condition(job: Object, kind: str) -> Object | None:
    conditions: list[Object] = (job.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == kind and each["status"] == "True"), None)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
