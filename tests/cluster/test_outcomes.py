"""The outcomes of an attempt on a real API server with the real Job controller; only the kubelet is simulated.

The functions run as their own user, so that each outcome also shows that their rights suffice.
"""

import json
from functools import partial
from typing import Any

import pytest

from functions.cluster.kinds import JOB, POD, RUNS
from functions.handlers import job_finished, reconcile
from functions.runs.model.run import Run
from tests.cluster.driving import deliver, node, started, swept
from tests.support.api import Harness
from tests.support.node import container, has_ended
from tests.support.run_steps import DONE, LOST, event, job_name, now, post_event
from tests.support.waiting import until

REPORT = json.dumps({"outcome": "failed", "reason": "InvalidInput", "message": "no task 3 in .taskmaster"})


def ended(exit_code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": exit_code, "message": message, "reason": reason}}


def disrupted(reason: str) -> dict[str, Any]:
    """Return the status of a pod that the cluster ended, with the condition of servers from 1.26 on."""
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "by the cluster"}
    return {"phase": "Failed", "conditions": [condition]}


OUTCOMES = [
    ("succeeded", {"phase": "Succeeded"}, ended(0, DONE, "Completed"), "Succeeded", "Completed"),
    ("failed", {"phase": "Failed"}, ended(1, REPORT), "Failed", "InvalidInput"),
    ("no report", {"phase": "Succeeded"}, ended(0, "", "Completed"), "Failed", "NoReport"),
    ("out of memory", {"phase": "Failed"}, ended(137, LOST, "OOMKilled"), "Failed", "OutOfMemory"),
    ("evicted", {"phase": "Failed", "reason": "Evicted", "message": "low on disk"}, None, "Retrying", "Evicted"),
    ("node lost", {"phase": "Failed", "reason": "NodeLost", "message": "gone"}, None, "Retrying", "NodeLost"),
    ("node shut down", {"phase": "Failed", "reason": "Terminated"}, ended(143), "Retrying", "NodeLost"),
    ("preempted by a kubelet", {"phase": "Failed", "reason": "Preempting"}, None, "Retrying", "Preempted"),
    ("preempted, with a condition", disrupted("PreemptionByScheduler"), ended(143), "Retrying", "Preempted"),
    ("node lost, with a condition", disrupted("DeletionByTaintManager"), None, "Retrying", "NodeLost"),
    ("evicted, with a condition", disrupted("EvictionByEvictionAPI"), ended(143), "Retrying", "Evicted"),
    ("out of memory, no report", {"phase": "Failed"}, ended(137, "", "OOMKilled"), "Failed", "OutOfMemory"),
    ("network", {"phase": "Failed"}, ended(1, LOST), "Retrying", "NetworkError"),
    ("crashed", {"phase": "Failed"}, ended(2), "Retrying", "AgentError"),
]


@pytest.mark.parametrize(
    ("pod", "state", "phase", "reason"), [case[1:] for case in OUTCOMES], ids=[c[0] for c in OUTCOMES]
)
def test_attempt_has_the_outcome_of_its_pod(world: Harness, pod: Any, state: Any, phase: str, reason: str) -> None:
    run = started(world)
    job = run.status.job_name or ""
    world.job_ready(job)
    swept(world)
    assert now(world, run).status.phase == "Running"
    deliver(world, job_finished, event(world.node.end_pod(world.namespace, job, pod, state)))
    run = now(world, run)
    assert (run.status.phase, run.status.attempts[-1].reason) == (phase, reason)


def shown(world: Harness, run: Run) -> str | None:
    """Return the present reason of the run's Succeeded condition."""
    condition = now(world, run).status.succeeded
    return condition.reason if condition else None


def waiting(reason: str, message: str) -> dict[str, Any]:
    return {"containerStatuses": [container({"waiting": {"reason": reason, "message": message}})]}


UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
CREATING = {"containerStatuses": [container({"waiting": {"reason": "ContainerCreating"}})]}
PENDING = [
    ("image", waiting("ImagePullBackOff", "no image x"), "ImagePullFailed"),
    ("config", waiting("CreateContainerConfigError", "no map"), "ContainerConfigError"),
    ("nodes", {"conditions": [UNSCHEDULABLE]}, "Unschedulable"),
]


@pytest.mark.parametrize(("status", "reason"), [case[1:] for case in PENDING], ids=[case[0] for case in PENDING])
def test_pod_that_cannot_start_is_shown_and_fails_the_run_when_the_wait_ends(
    world: Harness, status: dict[str, Any], reason: str
) -> None:
    run = started(world)
    job = run.status.job_name or ""
    node(world).set_pod_status(world.namespace, job, {"phase": "Pending", **status})
    swept(world)
    run = now(world, run)
    assert (run.status.phase, run.status.succeeded and run.status.succeeded.reason) == ("Pending", reason)
    world.later(minutes=16)
    swept(world)
    stopped = node(world).job_when(world.namespace, job, has_ended)
    deliver(world, job_finished, event(stopped))
    run = now(world, run)
    assert (run.status.phase, run.status.succeeded and run.status.succeeded.reason) == ("Failed", reason)


MOUNTS = [
    ("FailedMount", 'MountVolume.SetUp failed for volume "config": configmap "x" not found', "MountFailed", 16),
    ("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1"', "VolumeNotAttached", 11),
]


@pytest.mark.parametrize(("event_message", "words", "reason", "minutes"), MOUNTS, ids=[case[2] for case in MOUNTS])
def test_missing_volume_is_shown_with_the_message_of_the_pods_event(
    world: Harness, event_message: str, words: str, reason: str, minutes: int
) -> None:
    """The pod's status has only ContainerCreating. VolumeNotAttached waits 10 minutes, whatever pending_wait is."""
    patience = 120 if reason == "VolumeNotAttached" else 900
    world.configure(job=world.services.settings.job.model_copy(update={"pending_wait": patience}))
    run = started(world)
    job = run.status.job_name or ""
    pod = node(world).set_pod_status(world.namespace, job, {"phase": "Pending", **CREATING})
    post_event(world, "Pod", pod["metadata"]["name"], event_message, words)
    swept(world)
    assert shown(world, run) == "Starting", "the grace period has not ended"
    world.later(seconds=20)
    world.calls.calls.clear()
    swept(world)
    run = now(world, run)
    assert (run.status.phase, run.status.succeeded and run.status.succeeded.reason) == ("Pending", reason)
    assert run.status.message == words
    assert f"involvedObject.name={pod['metadata']['name']}" in str([call.query for call in world.calls.calls])
    world.later(minutes=minutes - 2)
    swept(world)
    assert now(world, run).status.phase == "Pending"
    world.later(minutes=2)
    swept(world)
    deliver(world, job_finished, event(node(world).job_when(world.namespace, job, has_ended)))
    run = now(world, run)
    assert (run.status.phase, run.status.succeeded and run.status.succeeded.reason) == ("Failed", reason)


def test_pod_whose_volume_is_mounted_late_runs(world: Harness) -> None:
    run = started(world)
    job = run.status.job_name or ""
    pod = node(world).set_pod_status(world.namespace, job, {"phase": "Pending", **CREATING})
    post_event(world, "Pod", pod["metadata"]["name"], "FailedMount", "timed out")
    world.later(seconds=20)
    swept(world)
    assert shown(world, run) == "MountFailed"
    world.job_ready(job)
    swept(world)
    assert now(world, run).status.phase == "Running"
    deliver(world, job_finished, event(world.job_ends(job, DONE)))
    assert now(world, run).status.phase == "Succeeded"


DUPLICATE = json.dumps({"outcome": "failed", "reason": "DuplicatePod", "message": "another pod works on it"})


@pytest.mark.parametrize("second", ["continues", "finds the lock of the first"])
def test_attempt_continues_with_the_second_pod_of_its_job(world: Harness, second: str) -> None:
    """Servers before 1.26 preempt and drain so: the Job controller creates another pod for the attempt."""
    run = started(world)
    job = run.status.job_name or ""
    world.job_ready(job)
    swept(world)
    first = node(world).pod(world.namespace, job)["metadata"]
    world.kubelet.delete(POD, world.namespace, first["name"], first["uid"])
    node(world).other_pod(world.namespace, job, first["uid"])
    swept(world)
    assert now(world, run).status.phase == "Running", "an attempt continues with its Job"
    if second == "continues":
        stopped = world.job_ends(job, DONE)
    else:
        stopped = world.node.end_pod(world.namespace, job, {"phase": "Failed"}, ended(1, DUPLICATE))
    deliver(world, job_finished, event(stopped))
    run = now(world, run)
    wanted = ("Succeeded", "Completed") if second == "continues" else ("Retrying", "ReportLost")
    assert (run.status.phase, run.status.attempts[-1].reason) == wanted
    assert run.status.attempt == 1


def test_deadline_ends_the_attempt_and_the_run_is_retried(world: Harness) -> None:
    run = started(world)
    job = run.status.job_name or ""
    world.job_ready(job)
    soon = {"spec": {"activeDeadlineSeconds": 2}}  # ends the attempt's time
    world.kubelet.patch(JOB, world.namespace, job, soon)
    deliver(world, job_finished, event(node(world).job_when(world.namespace, job, has_ended)))
    run = now(world, run)
    assert (run.status.phase, run.status.attempts[-1].reason) == ("Retrying", "DeadlineExceeded")


def test_cancel_stops_the_pod_and_keeps_the_job(world: Harness) -> None:
    run = started(world)
    job = run.status.job_name or ""
    world.job_ready(job)
    cancelled = world.kubelet.patch(RUNS[run.kind], run.namespace, run.name, {"spec": {"cancel": True}})
    deliver(world, reconcile, event(cancelled))
    deliver(world, job_finished, event(node(world).job_when(world.namespace, job, has_ended)))
    assert now(world, run).status.phase == "Cancelled"
    assert world.kubelet.get(JOB, world.namespace, job)["metadata"]["name"] == job


def test_deletion_of_a_run_deletes_its_job_and_pods(world: Harness) -> None:
    run = started(world)
    job = run.status.job_name or ""
    world.job_ready(job)
    world.kubelet.delete(RUNS[run.kind], run.namespace, run.name, run.uid)
    deliver(world, reconcile, event(now(world, run).raw))
    pods = partial(world.kubelet.list, POD, world.namespace, f"job-name={job}")
    until(lambda: not list(pods()), 30, "the pod outlived its run", every=0.1)


def test_retry_creates_a_second_job_beside_the_first(world: Harness) -> None:
    run = started(world)
    first = run.status.job_name or ""
    world.job_ready(first)
    deliver(world, job_finished, event(world.job_ends(first, LOST, ok=False)))
    world.later(minutes=1)
    swept(world)
    second = job_name(world, run)
    deliver(world, job_finished, event(world.job_ends(second, DONE)))
    run = now(world, run)
    assert (run.status.phase, run.status.attempt, run.is_marked_finished) == ("Succeeded", 2, True)
    assert first != second
