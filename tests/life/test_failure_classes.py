"""Each class of failure, from the pod's end as the kubelet tells of it to what is decided (SPEC section 4, item 5).

| class                                    | next attempt                                      |
|------------------------------------------|---------------------------------------------------|
| evicted, node lost, preempted, network,  | afresh, in a session of its own, after the pause  |
| report lost                              |                                                   |
| deadline, overloaded, stopped            | in the agent's session, after the pause           |
| rate limited                             | in the agent's session, not before the reset      |
| agent error                              | in the agent's session, once                      |
| what people can mend                     | again and again, until they had their time        |
| the rest                                 | none: the run has failed, and says what to do     |
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
    """A pod whose script reported why it failed."""
    report = json.dumps({"outcome": "failed", "reason": reason, "message": f"because of {reason}", **more})
    state = {"terminated": {"exitCode": 1, "message": report, "reason": "Error"}}
    return {"pod": {"phase": "Failed"}, "state": state}


def silent(reason: str) -> dict[str, Any]:
    """A pod that the kubelet ended before it could say anything."""
    return {"pod": {"phase": "Failed", "reason": reason, "message": "the node said so"}, "state": None}


FRESH = {
    "Evicted": silent("Evicted"),
    "NodeLost": silent("NodeLost"),
    "Preempted": silent("Preempting"),
    "NetworkError": reported("NetworkError"),
}
RESUMED = {each: reported(each) for each in ("DeadlineExceeded", "Overloaded", "Terminated", "AgentError")}
MENDED = {each: reported(each) for each in ("MissingSecret", "ConfigurationError")}
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
    """A run whose first attempt ended so, and whose end was told."""
    run = submitted(world)
    run_event(world, run.raw, "add")
    ends_again(world, ending)
    return now(world, run)


def ends_again(world: Harness, ending: dict[str, Any]) -> None:
    """The attempt that is under way ends so."""
    job = max(each["metadata"]["name"] for each in world.jobs())
    world.job_ready(job)
    job_event(world, world.node.ends(world.namespace, job, ending["pod"], ending["state"]))


def after(world: Harness, run: Run, **time: float) -> Run:
    """The run after that time and a sweep."""
    world.later(**time)
    swept(world)
    return now(world, run)


def last(run: Run) -> tuple[int | None, str | None, bool]:
    """The attempt that ended last: its number, why, and whether it resumed a session."""
    ended = [each for each in run.status.attempts if each.reason]
    return ended[-1].attempt, ended[-1].reason, ended[-1].resumes


@pytest.mark.parametrize("reason", FRESH)
def test_what_the_cluster_did_is_tried_afresh(world: Harness, reason: str) -> None:
    run = failed(world, FRESH[reason])
    assert (run.status.phase, last(run)) == ("Retrying", (1, reason, False))
    assert after(world, run, seconds=PAUSE - 1).status.attempt == 1
    again = after(world, run, seconds=2)
    assert (again.status.attempt, again.status.retry_count) == (2, 1)
    assert not again.status.attempts[-1].resumes
    assert again.status.session_id != run.status.session_id


@pytest.mark.parametrize("reason", RESUMED)
def test_what_is_worth_going_on_with_resumes_the_session(world: Harness, reason: str) -> None:
    run = failed(world, RESUMED[reason])
    assert (run.status.phase, last(run)) == ("Retrying", (1, reason, False))
    again = after(world, run, seconds=PAUSE + 1)
    assert again.status.attempts[-1].resumes
    assert (again.status.attempt, again.status.session_id) == (2, run.status.session_id)


@pytest.mark.parametrize(("reason", "attempts"), [("AgentError", 2), ("Overloaded", 4)])
def test_an_error_of_the_agent_is_resumed_once_however_many_retries_there_are(
    world: Harness, reason: str, attempts: int
) -> None:
    run = submitted(world, maxRetries=3)
    run_event(world, run.raw, "add")
    for _ in range(attempts):
        ends_again(world, RESUMED[reason])
        after(world, run, minutes=10)
    run = now(world, run)
    assert (run.status.phase, last(run)[:2]) == ("Failed", (attempts, reason))


def test_a_rate_limit_is_waited_out_however_many_sweeps_run(world: Harness) -> None:
    reset = world.now + timedelta(hours=2)
    run = failed(world, reported("RateLimited", rateLimitResetAt=reset.isoformat()))
    assert (run.status.phase, last(run), run.status.next_attempt_at) == ("Retrying", (1, "RateLimited", False), reset)
    for _ in range(11):
        run = after(world, run, minutes=10)
        run_event(world, run.raw)
        assert now(world, run).status.attempt == 1
    again = after(world, run, minutes=11)
    assert (again.status.attempt, again.status.attempts[-1].resumes) == (2, True)


@pytest.mark.parametrize("reason", MENDED)
def test_what_people_can_mend_is_tried_until_they_had_their_time(world: Harness, reason: str) -> None:
    run = failed(world, MENDED[reason])
    assert run.status.succeeded
    assert (run.status.succeeded.reason, run.status.retry_count or 0) == (reason, 0)
    assert f"because of {reason}" in (run.status.message or "")
    assert after(world, run, seconds=59).status.attempt == 1
    again = after(world, run, minutes=1)
    assert (again.status.attempt, again.status.phase) == (2, "Pending")
    ends_again(world, MENDED[reason])
    over = after(world, run, minutes=16)
    assert (over.status.phase, over.status.succeeded and over.status.succeeded.reason) == ("Failed", reason)


@pytest.mark.parametrize("reason", FINAL)
def test_a_failure_that_is_not_retriable_ends_the_run(world: Harness, reason: str) -> None:
    run = failed(world, FINAL[reason])
    assert (run.status.phase, last(run)) == ("Failed", (1, reason, False))
    assert run.status.message
    assert after(world, run, hours=1).status.attempt == 1
    assert len(world.jobs()) == 1


def test_a_pod_that_is_gone_with_its_report_is_tried_afresh(world: Harness) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = world.jobs()[-1]["metadata"]["name"]
    world.job_ready(job)
    ended = world.node.ends(world.namespace, job, {"phase": "Failed"}, None)
    (pod,) = world.kubelet.list(POD, world.namespace)
    world.kubelet.delete(POD, world.namespace, pod["metadata"]["name"], pod["metadata"]["uid"])
    job_event(world, ended)
    assert last(now(world, run)) == (1, "ReportLost", False)
