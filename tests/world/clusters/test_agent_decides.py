"""CASES K1 and K2: the container named `agent` decides how an attempt ends, whatever runs beside it.

| other containers                   | agent                        | expected                                  |
|------------------------------------|------------------------------|-------------------------------------------|
| injected sidecar, running          | succeeded                    | Succeeded at once, its Job stopped        |
| injected sidecar, running          | failed with a report         | the report's reason, its Job stopped      |
| broker as a container, running     | succeeded                    | Succeeded at once, its Job stopped        |
| native sidecar, running            | succeeded                    | the Job's own end is waited for, a minute |
| ended, OOMKilled                   | succeeded                    | Succeeded                                 |
| sorts before `agent`, ended with 0 | failed with a report         | the report's reason                       |
| injected sidecar, ended            | running                      | Running                                   |
"""

from typing import Any

import pytest

from functions.runs.lifecycle.pod_status import parse_pod
from tests.support.api import Harness
from tests.support.run_steps import DONE, LOST, job_event, now, reason, swept
from tests.world.clusters.pods import RUNNING, SCHEDULED, ended, job_of, minutes, named, shows, works


def pod(*containers: dict[str, Any], phase: str = "Running") -> dict[str, Any]:
    return {"phase": phase, "conditions": [SCHEDULED], "containerStatuses": list(containers)}


def stopped(world: Harness, job: str) -> bool:
    return bool(job_of(world, job)["spec"].get("activeDeadlineSeconds") == 1)


@pytest.mark.parametrize("other", ["istio-proxy", "broker"])
def test_a_running_sidecar_does_not_keep_a_finished_attempt_open(world: Harness, other: str) -> None:
    run, job = works(world)
    job_event(world, shows(world, job, pod(named("agent", ended(0, DONE)), named(other, RUNNING))))
    run = now(world, run)
    assert (run.status.phase, reason(run), stopped(world, job)) == ("Succeeded", "Completed", True)
    assert run.status.attempts[-1].outcome is None
    assert run.is_marked_finished


def test_a_failure_beside_a_running_sidecar_is_read_at_once_and_retried(world: Harness) -> None:
    run, job = works(world)
    job_event(world, shows(world, job, pod(named("agent", ended(1, LOST)), named("linkerd-proxy", RUNNING))))
    run = now(world, run)
    assert (run.status.phase, run.status.attempts[-1].reason, stopped(world, job)) == ("Retrying", "NetworkError", True)


def test_a_process_that_dies_while_it_stops_the_job_loses_no_report(world: Harness) -> None:
    """The Job controller deletes the pod of a stopped Job, and the report with it."""
    run, job = works(world)
    shows(world, job, pod(named("agent", ended(0, DONE)), named("istio-proxy", RUNNING)))
    writes = len(world.calls.calls)
    swept(world)
    recorded = [call for call in world.calls.calls[writes:] if call.method == "PUT" and "outcome" in str(call.body)]
    stops = [
        call for call in world.calls.calls[writes:] if call.path.endswith(f"/jobs/{job}") and call.method == "PATCH"
    ]
    assert world.calls.calls.index(recorded[0]) < world.calls.calls.index(stops[0])
    assert now(world, run).status.phase == "Succeeded"


def test_native_sidecars_have_a_minute_to_end(world: Harness) -> None:
    """The kubelet stops them."""
    run, job = works(world)
    status = pod(named("agent", ended(0, DONE))) | {"initContainerStatuses": [named("broker", RUNNING)]}
    job_event(world, shows(world, job, status))
    assert (now(world, run).status.phase, stopped(world, job)) == ("Running", False)
    minutes(world, 1)
    assert (now(world, run).status.phase, stopped(world, job)) == ("Succeeded", True)


def test_another_containers_lack_of_memory_is_not_the_agents(world: Harness) -> None:
    run, job = works(world)
    sidecar = named("adot-collector", ended(137, reason="OOMKilled"))
    job_event(world, shows(world, job, pod(sidecar, named("agent", ended(0, DONE)), named("proxy", RUNNING))))
    assert reason(now(world, run)) == "Completed"


def test_the_agent_is_found_by_name_and_not_by_place(world: Harness) -> None:
    run, job = works(world)
    both = [named("adot-collector", ended(0)), named("agent", ended(1, LOST))]
    shows(world, job, pod(*both, phase="Failed"))
    job_event(world, world.job_ends(job, LOST, ok=False))
    assert now(world, run).status.attempts[-1].reason == "NetworkError"
    facts = parse_pod({"metadata": {"name": "p"}, "status": pod(*both, phase="Failed")})
    assert (facts.exit_code, facts.report and facts.report.reason) == (1, "NetworkError")


def test_a_sidecars_end_is_not_the_attempts(world: Harness) -> None:
    run, job = works(world)
    job_event(world, shows(world, job, pod(named("agent", RUNNING), named("proxy", ended(1)))))
    minutes(world, 3)
    assert now(world, run).status.phase == "Running"
    assert not stopped(world, job)
