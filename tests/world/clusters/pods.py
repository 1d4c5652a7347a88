"""Helpers: start a run, set its pod's status, let minutes pass with a sweep each."""

from typing import Any

from functions.cluster.kinds import JOB, POD
from functions.runs.model.run import Run
from tests.support.api import Harness
from tests.support.node import container
from tests.support.run_steps import job_event, job_name, now, submitted, swept

Object = dict[str, Any]

RUNNING: Object = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}
STARTING: Object = {"waiting": {"reason": "PodInitializing"}}
SCHEDULED = {"type": "PodScheduled", "status": "True"}


def named(name: str, state: Object) -> Object:
    """Return a container's status."""
    return container(state, name)


def ended(exit_code: int = 0, message: str = "", **more: Any) -> Object:
    """Return the state of a terminated container."""
    return {"terminated": {"exitCode": exit_code, "message": message, "finishedAt": "2026-01-02T03:04:05Z", **more}}


def pending(*init: Object, agent: Object | None = None, phase: str = "Pending") -> Object:
    """Return the status of a scheduled pod with these init containers, whose agent starts."""
    containers = {"initContainerStatuses": list(init), "containerStatuses": [agent or named("agent", STARTING)]}
    return {"phase": phase, "conditions": [SCHEDULED], **containers}


def pending_run(world: Harness, kind: str = "CodeRun", **spec: Any) -> tuple[Run, str]:
    """Start a run whose Job has a pod without a status; return the run and the Job's name."""
    run = submitted(world, kind, **spec)
    swept(world)
    job = job_name(world, run)
    world.job_ready(job)
    set_pod_status(world, job, {"phase": "Pending", "conditions": [], "containerStatuses": []})
    return run, job


def set_pod_status(world: Harness, job: str, status: Object, *, ready: int = 0) -> Object:
    """Write the pod's status; return the Job with the status that its controller would write."""
    world.kubelet.patch(POD, world.namespace, f"{job}-pod", {"status": status}, "status")
    return set_job_status(world, job, active=1, ready=ready)


def set_job_status(world: Harness, job: str, **status: Any) -> Object:
    """Return the Job after these fields were set in its status."""
    return world.kubelet.patch(JOB, world.namespace, job, {"status": status}, "status")


def running_run(world: Harness, **spec: Any) -> tuple[Run, str]:
    """Start a run whose agent was observed running; return the run and its Job's name."""
    run, job = pending_run(world, **spec)
    container = {"phase": "Running", "conditions": [SCHEDULED], "containerStatuses": [named("agent", RUNNING)]}
    job_event(world, set_pod_status(world, job, container, ready=1))
    assert now(world, run).status.phase == "Running"
    return run, job


def job_of(world: Harness, name: str) -> Object:
    """Return the stored Job."""
    return world.kubelet.get(JOB, world.namespace, name)
