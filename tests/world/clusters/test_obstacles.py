"""CASES K4, K5 and K8: the status of a pod that cannot start contains the cluster's own message."""

from datetime import timedelta
from typing import Any

import pytest

from functions.cluster.kinds import CONFIG_MAP, EVENT, POD
from functions.runs.lifecycle import actions
from functions.runs.lifecycle.pod_status import parse_pod
from tests.support.api import Harness
from tests.support.builders import NOW
from tests.support.builders import job as job_facts
from tests.support.node import warning
from tests.support.run_steps import job_event, now, post_event, reason, sweep_minutes, swept
from tests.unit.deciding import name_of, next_for, running
from tests.world.clusters.pods import (
    RUNNING,
    SCHEDULED,
    STARTING,
    ended,
    job_of,
    named,
    pending,
    pending_run,
    set_pod_status,
)

AGENT_WAITS = named("agent", STARTING)
INIT_IMAGE = named("istio-init", {"waiting": {"reason": "ImagePullBackOff", "message": "no such image: istio:9"}})
UNKNOWN = {"waiting": {"reason": "CheckpointRestoreError", "message": "no checkpoint c1"}}


@pytest.mark.parametrize(
    ("status", "shown", "words"),
    [
        (pending(INIT_IMAGE), "ImagePullFailed", "init container istio-init: no such image: istio:9"),
        (pending(named("i", ended(255, "boom"))), "InitContainerFailed", "init container i: ended with exit code 255"),
        (pending(named("i", UNKNOWN)), "ContainerNotStarting", "init container i: no checkpoint c1"),
        (pending(agent=named("agent", UNKNOWN)), "ContainerNotStarting", "no checkpoint c1"),
    ],
)
def test_obstacle_is_shown_with_the_clusters_message_and_ends_in_time(
    world: Harness, status: dict[str, Any], shown: str, words: str
) -> None:
    run, job = pending_run(world)
    set_pod_status(world, job, status)
    swept(world)
    assert (now(world, run).status.phase, reason(now(world, run))) == ("Pending", shown)
    assert words in (now(world, run).status.message or "")
    sweep_minutes(world, 14)
    assert "activeDeadlineSeconds: 1" not in str(job_of(world, job)["spec"])
    sweep_minutes(world, 1)
    assert job_of(world, job)["spec"]["activeDeadlineSeconds"] == 1
    job_event(world, world.job_ends(job, ok=False, reason="Error"))
    assert (now(world, run).status.phase, reason(now(world, run))) == ("Failed", shown)


def test_native_sidecar_that_crashes_again_and_again_ends_the_run_in_time(world: Harness) -> None:
    """Between two pauses of the kubelet it runs for moments, or has just ended."""
    run, job = pending_run(world)
    pause = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}
    for minute in range(18):
        crash = named("istio-proxy", [pause, RUNNING, ended(1, "no route")][minute % 3])
        crash |= {"restartCount": minute + 1, "started": False, "lastState": ended(1, "no route")}
        set_pod_status(world, job, pending(crash))
        sweep_minutes(world, 1)
        assert reason(now(world, run)) == "InitContainerFailed"
        assert "istio-proxy: ended with exit code 1: no route" in (now(world, run).status.message or "")
    assert job_of(world, job)["spec"]["activeDeadlineSeconds"] == 1


def test_native_sidecar_that_crashed_and_has_started_is_no_obstacle(world: Harness) -> None:
    run, job = pending_run(world)
    crashed = {"restartCount": 1, "lastState": ended(1, "no route")}
    for started, shown in ((False, "InitContainerFailed"), (True, "Starting")):
        set_pod_status(world, job, pending(named("istio-proxy", RUNNING) | crashed | {"started": started}))
        sweep_minutes(world, 1)
        assert reason(now(world, run)) == shown


def test_warning_event_with_an_unknown_reason_is_shown(world: Harness) -> None:
    run, job = pending_run(world)
    set_pod_status(world, job, pending())
    post_event(world, "Pod", f"{job}-pod", "FailedCreatePodSandBox", "cni plugin not initialized")
    sweep_minutes(world, 1)
    assert reason(now(world, run)) == "ContainerNotStarting"
    assert "FailedCreatePodSandBox: cni plugin not initialized" in (now(world, run).status.message or "")


def test_sandbox_that_fails_again_and_again_ends_the_run_in_time(world: Harness) -> None:
    """The kubelet posts a normal Event before each try; the mount that failed first has succeeded since."""
    run, job = pending_run(world)
    pod = f"{job}-pod"
    set_pod_status(world, job, pending())
    post_event(world, "Pod", pod, "FailedMount", "failed to sync configmap cache")
    post_event(world, "Pod", pod, "FailedCreatePodSandBox", "cni plugin not initialized")
    later = {"type": "Normal", "lastTimestamp": "2026-01-02T03:04:06Z"}
    world.kubelet.create(EVENT, warning(world.namespace, "Pod", pod, "SandboxChanged", "it will be re-created") | later)
    sweep_minutes(world, 1)
    assert reason(now(world, run)) == "ContainerNotStarting"
    assert "FailedCreatePodSandBox: cni plugin not initialized" in (now(world, run).status.message or "")
    sweep_minutes(world, 16)
    assert job_of(world, job)["spec"]["activeDeadlineSeconds"] == 1


def test_sidecar_that_cannot_start_does_not_stop_a_running_agent(world: Harness) -> None:
    run, job = pending_run(world)
    stuck = named("proxy", {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})
    status = {"phase": "Pending", "conditions": [SCHEDULED], "containerStatuses": [named("agent", RUNNING), stuck]}
    set_pod_status(world, job, status)
    sweep_minutes(world, 20)
    assert (now(world, run).status.phase, now(world, run).status.attempt) == ("Running", 1)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "Pending", "conditions": [], "containerStatuses": []}, "waits for the scheduler"),
        (pending(named("copy", RUNNING)), "init container copy runs"),
        (pending(), "container agent starts"),
    ],
)
def test_status_of_a_slow_start_says_what_it_waits_for(world: Harness, status: dict[str, Any], words: str) -> None:
    run, job = pending_run(world)
    set_pod_status(world, job, status)
    sweep_minutes(world, 2)
    assert (now(world, run).status.phase, reason(now(world, run))) == ("Pending", "Starting")
    assert words in (now(world, run).status.message or "")


def test_status_says_that_the_attempt_waits_for_a_pod_on_a_dead_node() -> None:
    """K5: the Job has ended; the pod was due to be deleted a minute ago, and its node does not confirm it."""
    run = running()
    due = (NOW - timedelta(minutes=1)).isoformat()
    metadata = {"name": "p", "deletionTimestamp": due}
    alive = {"phase": "Running", "containerStatuses": [named("agent", RUNNING)]}
    pod = parse_pod({"metadata": metadata, "spec": {"nodeName": "n7"}, "status": alive})
    over = job_facts(name_of(run), ended="Failed")
    said = next_for(run, over, [pod])
    assert isinstance(said, actions.WriteStatus)
    assert "pod p is being deleted" in (said.status.message or "")
    assert "node n7 has not confirmed it" in (said.status.message or "")
    assert said.status.phase == "Running"
    next_run = run.with_status(said.status)
    assert next_for(next_run, over, [pod]) == actions.Nothing()
    assert isinstance(next_for(next_run, over, []), actions.WriteStatus), "the attempt ends once the pod is gone"


@pytest.mark.parametrize("cancel", [False, True])
def test_pod_on_a_dead_node_is_shown_while_its_job_exists(cancel: bool) -> None:
    run = running(spec={"cancel": cancel})
    metadata = {"name": "p", "deletionTimestamp": (NOW - timedelta(minutes=1)).isoformat()}
    pod = parse_pod({"metadata": metadata, "status": {"containerStatuses": [named("agent", RUNNING)]}})
    said = next_for(run, job_facts(name_of(run), ready=1, activeDeadlineSeconds=1), [pod])
    assert isinstance(said, actions.WriteStatus)
    assert "waits until its pod is gone" in (said.status.message or "")


def test_task_files_deleted_before_the_pod_starts_are_created_again(world: Harness) -> None:
    run, job = pending_run(world)
    name = now(world, run).status.config_map_name or ""
    files = world.kubelet.get(CONFIG_MAP, world.namespace, name)
    world.kubelet.delete(CONFIG_MAP, world.namespace, name, files["metadata"]["uid"])
    set_pod_status(world, job, pending(agent=named("agent", {"waiting": {"reason": "ContainerCreating"}})))
    post_event(world, "Pod", f"{job}-pod", "FailedMount", f'MountVolume.SetUp failed: configmap "{name}" not found')
    sweep_minutes(world, 2)
    assert world.kubelet.get(CONFIG_MAP, world.namespace, name)["data"] == files["data"]


def test_obstacle_of_a_pod_whose_well_known_labels_a_policy_rewrote_is_shown(world: Harness) -> None:
    run, job = pending_run(world)
    set_pod_status(world, job, pending(agent=named("agent", UNKNOWN)))
    relabelled = {"metadata": {"labels": {"app.kubernetes.io/managed-by": "platform"}}}
    world.kubelet.patch(POD, world.namespace, f"{job}-pod", relabelled)
    sweep_minutes(world, 1)
    assert reason(now(world, run)) == "ContainerNotStarting"
