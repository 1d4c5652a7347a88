"""CASES K6 and K7: a run that waits for capacity is Queued with the cluster's message, without limit or retry."""

from functions.cluster.errors import Forbidden
from functions.cluster.kinds import JOB, POD
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer
from tests.support.refusing import QUOTA, RefusingTransport
from tests.support.run_steps import DONE, job_event, job_name, now, post_event, reason, submitted, sweep_minutes, swept
from tests.world.clusters.pods import (
    SCHEDULED,
    job_of,
    named,
    pending_run,
    running_run,
    set_job_status,
    set_pod_status,
)

LONG = 20
"""Minutes: more than the pending wait."""


def test_job_suspended_by_kueue_is_queued_with_its_message_without_limit(world: Harness) -> None:
    run = submitted(world)
    swept(world)
    job = job_name(world, run)
    world.kubelet.patch(JOB, world.namespace, job, {"spec": {"suspend": True}})
    post_event(world, "Job", job, "Pending", "couldn't assign flavors to pod set main: insufficient quota for cpu")
    sweep_minutes(world, LONG)
    found = now(world, run)
    assert (found.status.phase, reason(found), found.status.attempt) == ("Queued", "Queued", 1)
    assert "insufficient quota for cpu" in (found.status.message or "")
    world.kubelet.patch(JOB, world.namespace, job, {"spec": {"suspend": False}})
    job_event(world, world.job_ready(job))
    assert now(world, run).status.phase == "Running"


def test_job_evicted_by_kueue_is_queued_without_counting_a_retry(world: Harness) -> None:
    run, job = running_run(world)
    session = now(world, run).status.session_id
    post_event(world, "Job", job, "Stopped", "Preempted to accommodate a higher priority Workload")
    world.kubelet.patch(JOB, world.namespace, job, {"spec": {"suspend": True}})
    pod = world.kubelet.get(POD, world.namespace, f"{job}-pod")
    job_event(world, set_job_status(world, job, active=0, ready=0))
    assert now(world, run).status.phase == "Running", "the pod still exists"
    world.kubelet.delete(POD, world.namespace, f"{job}-pod", pod["metadata"]["uid"])
    job_event(world, job_of(world, job))
    again = now(world, run)
    evicted, resumed = again.status.attempts
    assert evicted.reason == "Requeued"
    assert "Preempted to accommodate a higher priority Workload" in (evicted.message or "")
    assert (again.status.attempt, again.status.session_id, again.status.retry_count) == (2, session, None)
    assert resumed.resumes
    job_event(world, world.kubelet.patch(JOB, world.namespace, resumed.job_name, {"spec": {"suspend": True}}))
    assert now(world, run).status.phase == "Queued"


def test_late_event_of_a_suspension_does_not_change_a_running_run(world: Harness) -> None:
    run, job = pending_run(world)
    late = world.kubelet.patch(JOB, world.namespace, job, {"spec": {"suspend": True}})
    world.kubelet.patch(JOB, world.namespace, job, {"spec": {"suspend": False}})
    job_event(world, world.job_ready(job))
    job_event(world, late)
    assert (now(world, run).status.phase, now(world, run).status.message) == ("Running", "attempt 1 is running")


def test_run_whose_job_is_resumed_while_its_pod_ends_says_that_it_runs_again(world: Harness) -> None:
    run, job = running_run(world)
    job_event(world, world.kubelet.patch(JOB, world.namespace, job, {"spec": {"suspend": True}}))
    assert "its Job is suspended" in (now(world, run).status.message or "")
    world.kubelet.patch(JOB, world.namespace, job, {"spec": {"suspend": False}})
    sweep_minutes(world, 1)
    assert now(world, run).status.message == "attempt 1 is running"


def test_run_waits_for_a_quota_of_pods_without_limit(world: Harness) -> None:
    run = submitted(world)
    swept(world)
    job = job_name(world, run)
    post_event(world, "Job", job, "FailedCreate", f'pods "{job}-x" is forbidden: {QUOTA}')
    sweep_minutes(world, LONG)
    found = now(world, run)
    assert (found.status.phase, found.status.attempt, job_of(world, job)["spec"]["parallelism"]) == ("Queued", 1, 1)
    assert QUOTA in (found.status.message or "")
    job_event(world, world.job_ready(job))
    assert now(world, run).status.phase == "Running"


def test_job_deadline_that_passes_while_queued_counts_no_retry(world: Harness) -> None:
    run = submitted(world)
    swept(world)
    job = job_name(world, run)
    post_event(world, "Job", job, "FailedCreate", f'pods "{job}-x" is forbidden: {QUOTA}')
    sweep_minutes(world, 1)
    condition = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}
    job_event(world, set_job_status(world, job, active=0, conditions=[condition]))
    found = now(world, run)
    assert (found.status.attempts[0].reason, found.status.attempt, found.status.retry_count) == ("Requeued", 2, None)
    assert QUOTA in (found.status.attempts[0].message or "")


def test_run_waits_for_a_quota_of_jobs_without_limit() -> None:
    guard = RefusingTransport(InProcessServer(), error=lambda: Forbidden(QUOTA))
    world = Harness(guard, "quota")
    run = submitted(world)
    swept(world)
    for _ in range(40):  # 13 hours: longer than the name of a Job protects its attempt from a second start
        world.later(minutes=20)
        swept(world)
    found = now(world, run)
    assert (found.status.phase, reason(found), found.status.retry_count) == ("Queued", "Queued", None)
    assert QUOTA in (found.status.message or "")
    guard.on = False
    sweep_minutes(world, 2)
    job = job_name(world, run)
    job_event(world, world.job_ready(job))
    job_event(world, world.job_ends(job, DONE))
    assert now(world, run).status.phase == "Succeeded"


def test_pod_with_a_scheduling_gate_is_queued(world: Harness) -> None:
    run, job = pending_run(world)
    gated = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "SchedulingGated",
        "message": "gated: kueue.x/admission",
    }
    set_pod_status(world, job, {"phase": "Pending", "conditions": [gated], "containerStatuses": []})
    sweep_minutes(world, LONG)
    assert now(world, run).status.phase == "Queued"
    assert "gated: kueue.x/admission" in (now(world, run).status.message or "")
    starts = {"phase": "Pending", "conditions": [SCHEDULED]}
    set_pod_status(
        world, job, starts | {"containerStatuses": [named("agent", {"waiting": {"reason": "ContainerCreating"}})]}
    )
    sweep_minutes(world, 1)
    assert reason(now(world, run)) == "Starting"
