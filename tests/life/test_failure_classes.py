"""Each class of failure, from the pod's status to the decision about a retry (SPEC section 4, item 5).

| class                                    | next attempt                                        |
|------------------------------------------|-----------------------------------------------------|
| evicted, node lost, preempted, network,  | in a new session, after the back-off                |
| report lost                              |                                                     |
| deadline, overloaded, terminated         | resumes the session, after the back-off             |
| rate limited                             | resumes the session, after the limit is reset       |
| agent error                              | resumes the session, once                           |
| secret or configuration missing          | repeated until the pending wait ends                |
| others                                   | none: the run failed, and its message says why      |
"""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.cluster.kinds import POD
from functions.runs.model.run import Run
from tests.support.api import Harness
from tests.support.run_steps import job_event, now, run_event, submitted, swept

PAUSE = 10
"""Seconds: the setting job.backoff."""


def reported(reason: str, **more: Any) -> dict[str, Any]:
    """Return the end of a pod whose script reported this reason."""
    report = json.dumps({"outcome": "failed", "reason": reason, "message": f"because of {reason}", **more})
    state = {"terminated": {"exitCode": 1, "message": report, "reason": "Error"}}
    return {"pod": {"phase": "Failed"}, "state": state}


def silent(reason: str) -> dict[str, Any]:
    """Return the end of a pod that the kubelet ended before it could write a report."""
    return {"pod": {"phase": "Failed", "reason": reason, "message": "the node said so"}, "state": None}


FRESH = {
    "Evicted": silent("Evicted"),
    "NodeLost": silent("NodeLost"),
    "Preempted": silent("Preempting"),
    "NetworkError": reported("NetworkError"),
}
RESUMED = {each: reported(each) for each in ("DeadlineExceeded", "Overloaded", "Terminated", "AgentError")}
CORRECTABLE = {each: reported(each) for each in ("MissingSecret", "ConfigurationError")}
FINAL = {
    **{
        each: reported(each)
        for each in ("MaxTurns", "BudgetExceeded", "PushRefused", "RepositoryDenied", "CredentialRefused")
    },
    **{each: reported(each) for each in ("InvalidInput", "MergeConflict", "PolicyViolation")},
    "OutOfMemory": {
        "pod": {"phase": "Failed"},
        "state": {"terminated": {"exitCode": 137, "message": "", "reason": "OOMKilled"}},
    },
    "NoReport": {
        "pod": {"phase": "Succeeded"},
        "state": {"terminated": {"exitCode": 0, "message": "", "reason": "Completed"}},
    },
}


def failed(world: Harness, ending: dict[str, Any]) -> Run:
    """Return a run whose first attempt ended so, and deliver the event of its Job."""
    run = submitted(world)
    run_event(world, run.raw, "add")
    ends_again(world, ending)
    return now(world, run)


def ends_again(world: Harness, ending: dict[str, Any]) -> None:
    """End the open attempt so, and deliver the event of its Job."""
    job = max(each["metadata"]["name"] for each in world.jobs())
    world.job_ready(job)
    job_event(world, world.node.end_pod(world.namespace, job, ending["pod"], ending["state"]))


def after(world: Harness, run: Run, **time: float) -> Run:
    """Return the run after that time and a sweep."""
    world.later(**time)
    swept(world)
    return now(world, run)


def last(run: Run) -> tuple[int | None, str | None, bool]:
    """Return number and reason of the attempt that ended last, and whether it resumed a session."""
    ended = [each for each in run.status.attempts if each.reason]
    return ended[-1].attempt, ended[-1].reason, ended[-1].resumes


@pytest.mark.parametrize("reason", FRESH)
def test_failure_of_the_cluster_is_retried_in_a_new_session(world: Harness, reason: str) -> None:
    run = failed(world, FRESH[reason])
    assert (run.status.phase, last(run)) == ("Retrying", (1, reason, False))
    assert after(world, run, seconds=PAUSE - 1).status.attempt == 1
    again = after(world, run, seconds=2)
    assert (again.status.attempt, again.status.retry_count) == (2, 1)
    assert not again.status.attempts[-1].resumes
    assert again.status.session_id != run.status.session_id


@pytest.mark.parametrize("reason", RESUMED)
def test_interrupted_attempt_is_retried_in_the_same_session(world: Harness, reason: str) -> None:
    run = failed(world, RESUMED[reason])
    assert (run.status.phase, last(run)) == ("Retrying", (1, reason, False))
    again = after(world, run, seconds=PAUSE + 1)
    assert again.status.attempts[-1].resumes
    assert (again.status.attempt, again.status.session_id) == (2, run.status.session_id)


@pytest.mark.parametrize(("reason", "attempts"), [("AgentError", 2), ("Overloaded", 4)])
def test_agent_error_is_retried_once_whatever_max_retries_is(world: Harness, reason: str, attempts: int) -> None:
    run = submitted(world, maxRetries=3)
    run_event(world, run.raw, "add")
    for _ in range(attempts):
        ends_again(world, RESUMED[reason])
        after(world, run, minutes=10)
    run = now(world, run)
    assert (run.status.phase, last(run)[:2]) == ("Failed", (attempts, reason))


def test_rate_limited_attempt_is_retried_only_after_the_reset(world: Harness) -> None:
    reset = world.now + timedelta(hours=2)
    run = failed(world, reported("RateLimited", rateLimitResetAt=reset.isoformat()))
    assert (run.status.phase, last(run), run.status.next_attempt_at) == ("Retrying", (1, "RateLimited", False), reset)
    for _ in range(11):
        run = after(world, run, minutes=10)
        run_event(world, run.raw)
        assert now(world, run).status.attempt == 1
    again = after(world, run, minutes=11)
    assert (again.status.attempt, again.status.attempts[-1].resumes) == (2, True)


@pytest.mark.parametrize("reason", CORRECTABLE)
def test_failure_that_people_can_correct_is_retried_until_the_pending_wait_ends(world: Harness, reason: str) -> None:
    run = failed(world, CORRECTABLE[reason])
    assert run.status.succeeded
    assert (run.status.succeeded.reason, run.status.retry_count or 0) == (reason, 0)
    assert f"because of {reason}" in (run.status.message or "")
    assert after(world, run, seconds=59).status.attempt == 1
    again = after(world, run, minutes=1)
    assert (again.status.attempt, again.status.phase) == (2, "Pending")
    ends_again(world, CORRECTABLE[reason])
    last_try = after(world, run, minutes=16)
    assert (last_try.status.attempt, last_try.status.phase) == (3, "Pending"), "however long the wait has been over"
    ends_again(world, CORRECTABLE[reason])
    over = now(world, run)
    assert (over.status.phase, over.status.succeeded and over.status.succeeded.reason) == ("Failed", reason)


@pytest.mark.parametrize("reason", FINAL)
def test_a_failure_that_is_not_retriable_ends_the_run(world: Harness, reason: str) -> None:
    run = failed(world, FINAL[reason])
    assert (run.status.phase, last(run)) == ("Failed", (1, reason, False))
    assert run.status.message
    assert after(world, run, hours=1).status.attempt == 1
    assert len(world.jobs()) == 1


def test_attempt_with_a_deleted_pod_counts_as_report_lost(world: Harness) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = world.jobs()[-1]["metadata"]["name"]
    world.job_ready(job)
    ended = world.node.end_pod(world.namespace, job, {"phase": "Failed"}, None)
    (pod,) = world.kubelet.list(POD, world.namespace)
    world.kubelet.delete(POD, world.namespace, pod["metadata"]["name"], pod["metadata"]["uid"])
    job_event(world, ended)
    assert last(now(world, run)) == (1, "ReportLost", False)
