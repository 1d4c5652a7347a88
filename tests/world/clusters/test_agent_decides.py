"""CASES K1 and K2: the container named `agent` alone determines how an attempt ends."""

from typing import Any

import pytest

from functions.runs.lifecycle.pod_status import parse_pod
from tests.support.api import Harness
from tests.support.run_steps import DONE, LOST, job_event, now, reason, sweep_minutes, swept
from tests.world.clusters.pods import (
    RUNNING,
    SCHEDULED,
    ended,
    job_of,
    named,
    running_run,
    set_pod_status,
)


def pod(*containers: dict[str, Any], phase: str = "Running") -> dict[str, Any]:
    return {"phase": phase, "conditions": [SCHEDULED], "containerStatuses": list(containers)}


def stopped(world: Harness, job: str) -> bool:
    return bool(job_of(world, job)["spec"].get("activeDeadlineSeconds") == 1)


@pytest.mark.parametrize("other", ["istio-proxy", "broker"])
def test_finished_attempt_ends_while_a_sidecar_still_runs(world: Harness, other: str) -> None:
    run, job = running_run(world)
    job_event(world, set_pod_status(world, job, pod(named("agent", ended(0, DONE)), named(other, RUNNING))))
    run = now(world, run)
    assert (run.status.phase, reason(run), stopped(world, job)) == ("Succeeded", "Completed", True)
    assert run.status.attempts[-1].outcome is None
    assert run.is_marked_finished


def test_report_is_recorded_before_the_job_is_stopped(world: Harness) -> None:
    """The Job controller deletes the pod of a stopped Job, and the report with it."""
    run, job = running_run(world)
    set_pod_status(world, job, pod(named("agent", ended(0, DONE)), named("istio-proxy", RUNNING)))
    writes = len(world.calls.calls)
    swept(world)
    recorded = [call for call in world.calls.calls[writes:] if call.method == "PUT" and "outcome" in str(call.body)]
    stops = [
        call for call in world.calls.calls[writes:] if call.path.endswith(f"/jobs/{job}") and call.method == "PATCH"
    ]
    assert world.calls.calls.index(recorded[0]) < world.calls.calls.index(stops[0])
    assert now(world, run).status.phase == "Succeeded"


def test_native_sidecars_have_a_minute_to_end_before_the_job_is_stopped(world: Harness) -> None:
    """The kubelet stops native sidecars when the agent has ended."""
    run, job = running_run(world)
    status = pod(named("agent", ended(0, DONE))) | {"initContainerStatuses": [named("broker", RUNNING)]}
    job_event(world, set_pod_status(world, job, status))
    assert (now(world, run).status.phase, stopped(world, job)) == ("Running", False)
    sweep_minutes(world, 1)
    assert (now(world, run).status.phase, stopped(world, job)) == ("Succeeded", True)


def test_sidecar_that_was_oom_killed_does_not_fail_the_attempt(world: Harness) -> None:
    run, job = running_run(world)
    sidecar = named("adot-collector", ended(137, reason="OOMKilled"))
    job_event(world, set_pod_status(world, job, pod(sidecar, named("agent", ended(0, DONE)), named("proxy", RUNNING))))
    assert reason(now(world, run)) == "Completed"


def test_agent_container_is_found_by_name_not_by_position(world: Harness) -> None:
    run, job = running_run(world)
    both = [named("adot-collector", ended(0)), named("agent", ended(1, LOST))]
    set_pod_status(world, job, pod(*both, phase="Failed"))
    job_event(world, world.job_ends(job, LOST, ok=False))
    assert now(world, run).status.attempts[-1].reason == "NetworkError"
    facts = parse_pod({"metadata": {"name": "p"}, "status": pod(*both, phase="Failed")})
    assert (facts.exit_code, facts.report and facts.report.reason) == (1, "NetworkError")


def test_terminated_sidecar_does_not_end_the_attempt(world: Harness) -> None:
    run, job = running_run(world)
    job_event(world, set_pod_status(world, job, pod(named("agent", RUNNING), named("proxy", ended(1)))))
    sweep_minutes(world, 3)
    assert now(world, run).status.phase == "Running"
    assert not stopped(world, job)
