"""Pods as created by the Job controller, and their status as reported by the kubelet. Pure.

Sources: Kubernetes pkg/controller/job (the pod), pkg/kubelet/status and pkg/kubelet/kuberuntime (its status).
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from functions.cluster.client import Object
from functions.local.runner import containers
from functions.local.runner.mounts import FAILED_MOUNT, UNSCHEDULABLE, NotReadyError
from functions.local.runner.records import Outcome, Record

TRACKING = "batch.kubernetes.io/job-tracking"
"""Finalizer of a Job's pods, removed after the Job has counted the pod."""


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch in the time format of Kubernetes."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod_of(job: Object, name: str, node: str) -> Object:
    """Return the Job's pod."""
    owner, template = job["metadata"], job["spec"]["template"]
    metadata = template.get("metadata") or {}
    own = {"controller-uid": owner["uid"], "job-name": owner["name"]}
    labels = own | {f"batch.kubernetes.io/{key}": value for key, value in own.items()}
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": owner["name"], "uid": owner["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": owner["namespace"],
            "labels": (metadata.get("labels") or {}) | labels,
            "annotations": metadata.get("annotations") or {},
            "finalizers": [TRACKING],
            "ownerReferences": [reference | {"controller": True, "blockOwnerDeletion": True}],
        },
        "spec": template["spec"] | {"nodeName": node},
    }


def status_of(
    pod: Object, record: Record, obstacle: NotReadyError | None, now: float, ended: Outcome | None = None
) -> Object:
    """Return the pod's whole status as its kubelet reports it now.

    `ended` is how the main container ended of a pod that other containers keep running.
    """
    old = pod.get("status") or {}
    common = {"startTime": old.get("startTime") or timestamp(now), "hostIP": "127.0.0.1", "podIP": "127.0.0.1"}
    if record.outcome:
        return old | common | _ended(pod, record.outcome, old, now)
    if record.pid:
        running = {"running": {"startedAt": timestamp(record.started or now)}}
        main = {"terminated": _terminated(ended)} if ended else running
        states = _containers(pod, main, running)
        return old | common | {"phase": "Running", "conditions": _conditions(old, now, _not_ready(ended)), **states}
    return old | _pending(pod, obstacle, old, now)


def failed_mount(pod: Object, obstacle: NotReadyError, now: float) -> Object:
    """Return the Event about a volume that cannot be mounted."""
    metadata = pod["metadata"]
    digest = hashlib.sha256(f"{metadata['uid']} {obstacle}".encode()).hexdigest()[:16]
    reference = {"kind": "Pod", "apiVersion": "v1", **{key: metadata[key] for key in ("name", "namespace", "uid")}}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": metadata["namespace"]},
        "involvedObject": reference,
        "type": "Warning",
        "reason": FAILED_MOUNT,
        "message": str(obstacle),
        "source": {"component": "kubelet", "host": pod["spec"].get("nodeName", "")},
        "firstTimestamp": timestamp(now),
        "lastTimestamp": timestamp(now),
        "count": 1,
    }


def _pending(pod: Object, obstacle: NotReadyError | None, old: Object, now: float) -> Object:
    if obstacle is None:
        return {"phase": "Pending"}
    if obstacle.reason == UNSCHEDULABLE:
        scheduled = _condition("PodScheduled", False, UNSCHEDULABLE, old, now) | {"message": str(obstacle)}
        return {"phase": "Pending", "conditions": [scheduled]}
    waiting = {"reason": obstacle.reason, "message": str(obstacle)}
    if obstacle.reason == FAILED_MOUNT:  # the kubelet reports the cause in an Event only
        waiting = {"reason": "ContainerCreating"}
    state = {"waiting": waiting}
    return {
        "phase": "Pending",
        "conditions": _conditions(old, now, "ContainersNotReady"),
        **_containers(pod, state, state),
    }


def _not_ready(ended: Outcome | None) -> str:
    return "ContainersNotReady" if ended else ""


def _ended(pod: Object, outcome: Outcome, old: Object, now: float) -> Object:
    succeeded = outcome.phase == "Succeeded"
    status: Object = {
        "phase": outcome.phase,
        "conditions": _conditions(old, now, "PodCompleted" if succeeded else "PodFailed"),
    }
    if outcome.pod_reason:
        status |= {"reason": outcome.pod_reason, "message": outcome.pod_message}
    if outcome.started_at:
        status |= _containers(pod, {"terminated": _terminated(outcome)}, {}, outcome)
    return status


def _terminated(outcome: Outcome) -> Object:
    state: Object = {
        "exitCode": outcome.code,
        "reason": outcome.reason,
        "startedAt": timestamp(outcome.started_at),
        "finishedAt": timestamp(outcome.finished_at),
    }
    optional = {"signal": outcome.signal, "message": outcome.message}
    return state | {key: value for key, value in optional.items() if value}


def _containers(pod: Object, main: Object, other: Object, ended: Outcome | None = None) -> Object:
    """Return the statuses of all containers, in the order of their names: of the main one, and of each other."""
    name = containers.main(pod)["name"]
    states = {each["name"]: other or _other_ended(ended, each["name"]) for each in containers.beside(pod)}
    plain = [_container(each, {**states, name: main}[each["name"]]) for each in pod["spec"]["containers"]]
    native = [_container(each, other or _other_ended(ended, each["name"])) for each in containers.sidecars(pod)]
    sorted_plain = sorted(plain, key=lambda status: str(status["name"]))
    return {"containerStatuses": sorted_plain, **({"initContainerStatuses": native} if native else {})}


def _other_ended(outcome: Outcome | None, name: str) -> Object:
    """Return the state of another container than the main one once the pod has ended."""
    assert outcome, "the pod has ended"
    code = outcome.others.get(name, 0)
    return {"terminated": _terminated(replace(outcome, code=code, signal=0, message="", reason=_reason(code)))}


def _reason(code: int) -> str:
    return "Error" if code else "Completed"


def _container(container: Object, state: Object) -> Object:
    ready = "running" in state
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "state": state,
    }


def _conditions(old: Object, now: float, not_ready: str = "") -> list[Object]:
    """Return the four conditions of a pod on a node; `not_ready` is the reason if its container is not ready."""
    always = [_condition(kind, True, "", old, now) for kind in ("PodScheduled", "Initialized")]
    return always + [_condition(kind, not not_ready, not_ready, old, now) for kind in ("ContainersReady", "Ready")]


def _condition(kind: str, holds: bool, reason: str, old: Object, now: float) -> Object:
    status = str(holds)
    previous: dict[str, Any] = next(
        (condition for condition in old.get("conditions") or () if condition["type"] == kind), {}
    )
    changed = previous["lastTransitionTime"] if previous.get("status") == status else timestamp(now)
    condition = {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": changed}
    return condition | ({"reason": reason} if reason else {})
