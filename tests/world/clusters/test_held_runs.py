"""A deleted run that a finalizer of others holds: its agent is stopped, and its slot is freed."""

from typing import Any

from functions.cluster.kinds import CODE_RUN, JOB
from functions.runs import api_group
from functions.runs.model.run import Run
from functions.settings.limits import LimitSettings
from tests.support.api import Harness
from tests.support.run_steps import job_event, now, reason, run_event, submitted, sweep_minutes, swept
from tests.world.clusters.pods import job_of, pending_run, running_run

HELD = {"metadata": {"finalizers": [api_group.FINALIZER, "other.example/hold"]}}


def delete(world: Harness, run: Run) -> dict[str, Any]:
    """Delete the run, which another's finalizer holds, and deliver the event."""
    world.kubelet.patch(CODE_RUN, world.namespace, run.name, HELD)
    world.kubelet.delete(CODE_RUN, world.namespace, run.name, run.uid)
    run_event(world, world.kubelet.get(CODE_RUN, world.namespace, run.name))
    return world.kubelet.get(CODE_RUN, world.namespace, run.name)


def test_agent_of_a_deleted_run_that_a_finalizer_holds_is_stopped(world: Harness) -> None:
    run, job = running_run(world)
    assert delete(world, run)["metadata"]["finalizers"] == ["other.example/hold"]
    assert job_of(world, job)["spec"]["activeDeadlineSeconds"] == 1


def test_suspended_job_of_a_deleted_run_that_a_finalizer_holds_starts_no_pod(world: Harness) -> None:
    run, job = pending_run(world)
    world.kubelet.patch(JOB, world.namespace, job, {"spec": {"suspend": True}})
    delete(world, run)
    assert job_of(world, job)["spec"]["parallelism"] == 0


def test_job_that_a_late_function_created_for_a_held_run_is_stopped(world: Harness) -> None:
    run, job = pending_run(world)
    late = job_of(world, job)
    world.kubelet.delete(JOB, world.namespace, job, late["metadata"]["uid"])
    delete(world, run)
    created = {key: late["metadata"][key] for key in ("name", "namespace", "labels", "ownerReferences")}
    world.kubelet.create(JOB, {**late, "metadata": created})
    world.job_ready(job)
    sweep_minutes(world, 1)
    assert job_of(world, job)["spec"]["parallelism"] == 0


def test_slot_of_a_deleted_run_that_a_finalizer_holds_is_freed_with_its_pods(world: Harness) -> None:
    world.configure(limits=LimitSettings(runs=1))
    run, job = running_run(world)
    other = submitted(world, name="run-2", service="other")
    swept(world)
    delete(world, run)
    sweep_minutes(world, 1)
    assert reason(now(world, other)) == "Queued", "the pod has its grace period"
    job_event(world, world.job_ends(job, ok=False))
    assert reason(now(world, other)) == "Starting"
