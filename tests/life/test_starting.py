"""Attempts that start late or cannot start, driven by the sweep."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.errors import Conflict, Unavailable
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, EVENT, JOB, POD, VOLUME_CLAIM
from functions.composition import REPORTERS
from functions.handlers import reconcile
from functions.runs import api_group
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from tests.support.api import Harness
from tests.support.freezing import FreezingTransport
from tests.support.in_process_server import InProcessServer
from tests.support.node import container
from tests.support.refusing import POLICY, RefusingTransport
from tests.support.run_steps import DONE, event, job_event, now, reason, run_event, submitted, sweep_minutes, swept

NO_NODE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
SCHEDULED = {"type": "PodScheduled", "status": "True"}
CREATING = [container({"waiting": {"reason": "ContainerCreating"}})]


@pytest.fixture
def world() -> Harness:
    return Harness(InProcessServer(), "starting")


def waits_for_a_node(world: Harness) -> tuple[Run, str]:
    """Return a run whose pod was unschedulable for 14 minutes, and the name of its Job."""
    run = submitted(world)
    swept(world)
    job = world.jobs()[0]["metadata"]["name"]
    world.job_ready(job)
    set_pod_status(world, job, {"phase": "Pending", "conditions": [NO_NODE], "containerStatuses": []}, ready=0)
    swept(world)
    assert reason(now(world, run)) == "Unschedulable"
    sweep_minutes(world, 14)
    return run, job


def set_pod_status(world: Harness, job: str, pod: dict[str, Any], *, ready: int) -> dict[str, Any]:
    world.kubelet.patch(POD, world.namespace, f"{job}-pod", {"status": pod}, "status")
    return world.kubelet.patch(JOB, world.namespace, job, {"status": {"active": 1, "ready": ready}}, "status")


def stopped(world: Harness) -> list[str]:
    """Return the names of Jobs that were stopped."""
    return [job["metadata"]["name"] for job in world.jobs() if job["spec"].get("activeDeadlineSeconds") == 1]


def test_scheduled_pod_is_not_given_up_while_its_image_is_pulled(world: Harness) -> None:
    run, job = waits_for_a_node(world)
    set_pod_status(world, job, {"phase": "Pending", "conditions": [SCHEDULED], "containerStatuses": CREATING}, ready=0)
    sweep_minutes(world, 20)
    found = now(world, run)
    assert (reason(found), found.status.pending_since, stopped(world)) == ("Starting", None, [])


def test_event_of_a_running_agent_clears_the_pending_wait(world: Harness) -> None:
    run, job = waits_for_a_node(world)
    working = {"phase": "Running", "conditions": [SCHEDULED], "containerStatuses": [container({"running": {}})]}
    ready = set_pod_status(world, job, working, ready=1)
    world.later(minutes=2)
    job_event(world, ready)
    assert (reason(now(world, run)), stopped(world)) == ("Running", [])
    job_event(world, world.job_ends(job, DONE))
    assert now(world, run).status.phase == "Succeeded"


def test_unschedulable_pod_is_given_up_when_the_pending_wait_ends(world: Harness) -> None:
    run, job = waits_for_a_node(world)
    sweep_minutes(world, 1)
    assert stopped(world) == [job]
    job_event(world, world.job_ends(job, ok=False))
    assert (now(world, run).status.phase, reason(now(world, run))) == ("Failed", "Unschedulable")


def posted(world: Harness, job: dict[str, Any], reason: str, message: str) -> None:
    """Create an Event of the Job, as its controller does."""
    about = {key: job["metadata"][key] for key in ("name", "namespace", "uid")}
    item = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": reason.lower(), "namespace": world.namespace},
        "involvedObject": {"apiVersion": "batch/v1", "kind": "Job", **about},
        "reason": reason,
        "message": message,
        "lastTimestamp": "2026-01-02T03:04:05Z",
    }
    world.kubelet.create(EVENT, item)


def test_rejected_pods_are_shown_and_fail_the_run_when_the_pending_wait_ends(world: Harness) -> None:
    run = submitted(world)
    swept(world)
    job = world.jobs()[0]
    posted(world, job, "FailedCreate", 'pods "x" is forbidden: violates PodSecurity "restricted"')
    swept(world)
    assert reason(now(world, run)) == "Starting", "the grace period has not ended"
    sweep_minutes(world, 1)
    found = now(world, run)
    assert (reason(found), found.status.phase) == ("PodRefused", "Pending")
    assert 'violates PodSecurity "restricted"' in (found.status.message or "")
    sweep_minutes(world, 14)
    assert [each["spec"]["parallelism"] for each in world.jobs()] == [1]
    sweep_minutes(world, 1)
    assert [each["spec"]["parallelism"] for each in world.jobs()] == [0], "the Job is kept, and can create no pod"
    assert (now(world, run).status.phase, reason(now(world, run))) == ("Failed", "PodRefused")


def test_run_continues_when_a_rejected_pod_is_created_at_last(world: Harness) -> None:
    run = submitted(world)
    swept(world)
    job = world.jobs()[0]
    posted(world, job, "FailedCreate", "denied by a webhook")
    sweep_minutes(world, 2)
    assert reason(now(world, run)) == "PodRefused"
    posted(world, job, "SuccessfulCreate", "Created pod: x")
    world.job_ready(job["metadata"]["name"])
    sweep_minutes(world, 1)
    assert (reason(now(world, run)), now(world, run).status.pending_since) == ("Running", None)


def cancels(world: Harness, run: Run) -> None:
    raw = world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": {"cancel": True}})
    run_event(world, raw)


@pytest.mark.parametrize(("asked", "phase", "longest"), [(cancels, "Cancelled", 21), (None, "Failed", 36)])
def test_run_ends_although_jobs_are_rejected(
    asked: Callable[[Harness, Run], None] | None, phase: str, longest: int
) -> None:
    guard = RefusingTransport(InProcessServer())
    world = Harness(guard, "refused")
    run = submitted(world)
    swept(world)
    assert reason(now(world, run)) == "ConfigurationError"
    assert POLICY in (now(world, run).status.message or "")
    if asked:
        asked(world, run)
        assert "2026-01-02T03:24:05Z" in (now(world, run).status.message or ""), (
            "the message says when the run ends at the latest"
        )
    for _ in range(longest):
        answered = swept(world).body
        assert answered
        assert answered["data"]["failed"] == []
        world.later(minutes=1)
    swept(world)
    assert (now(world, run).status.phase, world.jobs()) == (phase, [])


def test_attempt_that_must_fail_stays_pending_while_jobs_are_rejected() -> None:
    """A foreign workspace fails the attempt, but only after a fence exists or the creation window has ended."""
    guard = RefusingTransport(InProcessServer())
    world = Harness(guard, "refused")
    metadata = {
        "name": "workspace-api-rex-2e06e942",
        "namespace": world.namespace,
        "labels": {api_group.label("service"): "x"},
    }
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": wanted}
    world.kubelet.create(VOLUME_CLAIM, claim)
    run = submitted(world)
    swept(world)
    shown = now(world, run)
    assert (shown.status.phase, reason(shown)) == ("Pending", "ConfigurationError")
    assert all(words in (shown.status.message or "") for words in ("workspace of another service", POLICY))
    guard.on = False
    sweep_minutes(world, 1)
    assert (now(world, run).status.phase, reason(now(world, run))) == ("Failed", "NameTaken")


def test_cancelled_run_ends_once_jobs_are_accepted_again() -> None:
    guard = RefusingTransport(InProcessServer())
    world = Harness(guard, "refused")
    run = submitted(world)
    swept(world)
    cancels(world, run)
    guard.on = False
    sweep_minutes(world, 1)
    assert now(world, run).status.phase == "Cancelled"
    assert [job["spec"]["parallelism"] for job in world.jobs()] == [0]


@pytest.mark.parametrize("at", range(8))
def test_frozen_handler_creates_no_job_after_its_run_ended_without_one(at: int) -> None:
    server = InProcessServer()
    world = Harness(RefusingTransport(server), "frozen")
    run = submitted(world)

    def meanwhile() -> None:
        """Cancel the run and sweep until it ends, while Jobs are rejected."""
        if not world.jobs():
            cancels(world, run)
            sweep_minutes(world, 22)
            assert now(world, run).status.phase == "Cancelled"

    frozen = FreezingTransport(server, at, meanwhile)
    services = Dependencies(world.services.settings, Cluster(frozen), lambda: world.now, connect_reporters=REPORTERS)
    with suppress(Conflict):
        reconcile.handle(services, event(run.raw, "add"))
    live = [job for job in world.jobs() if job["spec"]["parallelism"]]
    assert len(live) == (0 if now(world, run).status.phase == "Cancelled" else 1)


def changed(plural: str, **spec: Any) -> tuple[Harness, Run]:
    """Return a run whose spec changed after a function died just before it created an object of this kind."""
    guard = RefusingTransport(InProcessServer(), plural, lambda: Unavailable("the process died here"))
    world = Harness(guard, "changed")
    run = submitted(world)
    swept(world)
    guard.on = False
    world.kubelet.patch(CODE_RUN, world.namespace, run.name, {"spec": spec})
    swept(world)
    return world, now(world, run)


def test_task_files_and_job_are_created_from_the_same_spec() -> None:
    world, run = changed("jobs", model="claude-new", branch="release", env=[{"name": "MODE", "value": "new"}])
    fence, job = world.jobs()
    files = world.kubelet.get(CONFIG_MAP, world.namespace, run.status.config_map_name or "")["data"]
    assert (fence["spec"]["parallelism"], job["metadata"]["name"]) == (0, run.status.job_name)
    assert json.loads(files["settings.json"])["model"] == "claude-new"
    assert "readonly BASE=release" in files["container.sh"].splitlines()
    assert {"name": "MODE", "value": "new"} in job["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [each.generation for each in run.status.attempts] == [1, run.generation]
    assert (run.status.attempts[0].reason, run.status.retry_count) == ("SpecChanged", None)


def test_workspace_has_name_and_label_of_the_same_service() -> None:
    world, run = changed("persistentvolumeclaims", service="web")
    claims = {
        claim["metadata"]["name"]: claim["metadata"]["labels"][api_group.label("service")]
        for claim in world.kubelet.list(VOLUME_CLAIM, world.namespace)
    }
    assert claims == {"workspace-web-rex-2e06e942": "web"}
    assert run.status.workspace_name == "workspace-web-rex-2e06e942"
    other = submitted(world, name="run-2")
    swept(world)
    assert (reason(now(world, other)), now(world, other).status.workspace_name) == (
        "Starting",
        "workspace-api-rex-2e06e942",
    )
