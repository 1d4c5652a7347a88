"""The facts of a pod, read from its status by the kubelet and the scheduler. Pure.

The container named `agent` decides. Others only count as far as they keep it from starting (init containers) or keep
the pod open after its end (injected sidecars, a broker that is no native sidecar).

Nothing here relies on a closed list of obstacles: a container that waits with a message, or for another reason than
the two of a normal start, cannot start. Known reasons only select the Reason; the words are the cluster's.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from functions.runs.lifecycle.observed import Cause, Pod
from functions.runs.model import report
from functions.runs.model.reasons import Reason

Object = Mapping[str, Any]

AGENT = "agent"
"""Name of the container that decides how the attempt ended."""

_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
"""state.waiting.reason of a normal start, which has no message (kubelet: kubelet_pods.go)."""

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

_TERMINATED = {
    "StartError": Reason.CONTAINER_CONFIG_ERROR,
    "ContainerCannotRun": Reason.CONTAINER_CONFIG_ERROR,
    "ContainerStatusUnknown": Reason.NODE_LOST,
}
"""state.terminated.reason of a container that ended without its own doing (kubelet: kubelet_pods.go; runtimes)."""

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


def parse_pod(raw: Object) -> Pod:
    """Return the facts of a Pod object."""
    status = raw.get("status") or {}
    terminal = status.get("phase") in ("Succeeded", "Failed")
    state = _state(_agent(status))
    terminated = state.get("terminated") or {}
    ended, running = terminal or "terminated" in state, not terminal and "running" in state
    is_being_deleted = "deletionTimestamp" in raw["metadata"]
    not_started = not ended and not running
    waiting = _obstacle(status) if not_started and not is_being_deleted else None
    return Pod(
        name=raw["metadata"]["name"],
        terminal=terminal,
        agent_ended=ended,
        running=running,
        report=report.read(terminated.get("message") or ""),
        exit_code=terminated.get("exitCode"),
        failure=_failure(status, terminated) if ended else None,
        waiting=waiting,
        unexplained=not_started and not is_being_deleted and waiting is None,
        progress=_progress(raw, status),
        deletion_due=_time(raw["metadata"].get("deletionTimestamp")),
        orphaned=not raw["metadata"].get("ownerReferences"),
        held_open_by=() if terminal or not ended else tuple(_held_open_by(status)),
        agent_ended_at=_time(terminated.get("finishedAt")),
    )


def _containers(status: Object, field: str = "containerStatuses") -> Sequence[Object]:
    return status.get(field) or ()


def _state(container: Object) -> Object:
    return container.get("state") or {}


def _agent(status: Object) -> Object:
    return next((container for container in _containers(status) if container.get("name") == AGENT), {})


def _condition(status: Object, condition_type: str) -> Object:
    conditions = status.get("conditions") or ()
    return next((condition for condition in conditions if condition["type"] == condition_type), {})


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _obstacle(status: Object) -> Cause | None:
    """Return why the agent's container cannot start: the scheduler first, then init containers, then its own."""
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        gated = scheduled.get("reason") == "SchedulingGated"
        words = scheduled.get("message") or scheduled.get("reason") or "no node can take the pod"
        return (Reason.QUEUED if gated else Reason.UNSCHEDULABLE), words
    for container in _containers(status, "initContainerStatuses"):
        if cause := _crash(container) or _stuck(container):
            return cause[0], f"init container {container.get('name')}: {cause[1]}"
    return _stuck(_agent(status))


def _stuck(container: Object) -> Cause | None:
    """Return why the container cannot start; None if it starts, runs, or ended well."""
    state = _state(container)
    waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
    reason, message = waiting.get("reason") or "", waiting.get("message") or ""
    if reason not in _STARTING or message:
        return _WAITING.get(reason, Reason.CONTAINER_NOT_STARTING), message or reason
    return _init_failure(terminated) if terminated.get("exitCode") else None


def _crash(container: Object) -> Cause | None:
    """Return how a native sidecar that is restarted ended last; None if it was not restarted, or has started since.

    It waits, runs for moments and ends by turns: that is one obstacle, whose time limit does not begin anew.
    """
    if not container.get("restartCount") or container.get("started"):
        return None
    ended = _state(container).get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    return _init_failure(ended) if ended.get("exitCode") else None


def _init_failure(terminated: Object) -> Cause:
    words = terminated.get("message") or terminated.get("reason") or "no message"
    return Reason.INIT_CONTAINER_FAILED, f"ended with exit code {terminated.get('exitCode')}: {words}"


def _failure(status: Object, terminated: Object) -> Cause | None:
    """Return why the cluster ended the pod or the agent's container, or never started it; None if it did not."""
    words = status.get("message") or ""
    if terminated.get("reason") == "OOMKilled":
        return Reason.OUT_OF_MEMORY, "the agent was killed for lack of memory: raise the memory limit (job.resources)"
    disruption = _condition(status, "DisruptionTarget")
    if disruption.get("status") == "True":
        reason = _DISRUPTIONS.get(disruption.get("reason", ""), Reason.EVICTED)
        return reason, disruption.get("message") or words
    pod_reason = status.get("reason") or ""
    if pod_reason in _POD_REASONS:
        return _POD_REASONS[pod_reason], words
    if terminated:
        known = _TERMINATED.get(terminated.get("reason") or "")
        return (known, terminated.get("message") or terminated["reason"]) if known else None
    return _never_started(status, pod_reason, words)


def _never_started(status: Object, pod_reason: str, words: str) -> Cause | None:
    """Return why the agent's container of a terminal pod did not start; None if the pod does not say."""
    for container in _containers(status, "initContainerStatuses"):
        terminated = _state(container).get("terminated") or {}
        if terminated.get("exitCode"):
            reason, text = _init_failure(terminated)
            return reason, f"init container {container.get('name')} {text}"
    if not pod_reason:
        return None
    return Reason.POD_REFUSED, f"{pod_reason}: {words}" if words else pod_reason


def _progress(raw: Object, status: Object) -> str:
    """Return what the pod does or waits for, for people."""
    name, node = raw["metadata"]["name"], (raw.get("spec") or {}).get("nodeName")
    if due := raw["metadata"].get("deletionTimestamp"):
        return f"pod {name} is being deleted, due {due}" + (f"; node {node} has not confirmed it" if node else "")
    if status.get("phase") == "Unknown":
        return f"node {node or 'unknown'} of pod {name} does not respond"
    if not node and not _condition(status, "PodScheduled"):
        return f"pod {name} waits for the scheduler"
    return "; ".join([f"pod {name}: {_step(status)}", *_stuck_sidecars(status)])


def _step(status: Object) -> str:
    for container in _containers(status, "initContainerStatuses"):
        state = _state(container)
        if "running" in state and not container.get("started"):
            return f"init container {container.get('name')} runs"
        if "terminated" not in state and "running" not in state:
            return f"init container {container.get('name')} starts"
    return f"container {AGENT} starts"


def _stuck_sidecars(status: Object) -> Iterator[str]:
    """Yield what keeps other containers from starting: it is shown, and decides nothing."""
    for container in _containers(status):
        cause = _stuck(container) if container.get("name") != AGENT else None
        if cause and cause[0] is not Reason.INIT_CONTAINER_FAILED:
            yield f"container {container.get('name')}: {cause[1]}"


def _held_open_by(status: Object) -> Iterator[str]:
    """Yield the containers that the kubelet does not stop at the agent's end. It stops native sidecars."""
    for container in _containers(status):
        if container.get("name") != AGENT and "terminated" not in _state(container):
            yield str(container.get("name"))
