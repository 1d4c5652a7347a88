"""The next action of a run after its attempt, or the run itself, has ended.

| state      | observed                    | next                                              |
|------------|-----------------------------|---------------------------------------------------|
| any open   | Job ended, pods alive       | nothing                                           |
| any open   | Job ended, pods ended       | success, retry, pending wait, or failure          |
| waiting    | due / not due               | start / nothing                                   |
| finished   | without label / labelled    | label / nothing                                   |
| finished   | contextVersion raised       | remove the label, reopen                          |
| finished   | raised, and cancelled       | remove the label, reopen, end as Cancelled        |
| unfinished | contextVersion raised       | refused with a reason that stays after the end    |
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.runs.api_group import FINISHED
from functions.runs.lifecycle import actions, transitions
from functions.runs.lifecycle.decide import decide
from functions.runs.lifecycle.event_filters import is_final, needs_no_reconcile
from functions.runs.lifecycle.observed import Observed
from functions.runs.lifecycle.retries import MAX_RESET, MIN_FIX_PAUSE
from functions.runs.lifecycle.states import TRANSITIONS, IllegalTransitionError, State, move, state
from functions.runs.model import conditions
from functions.runs.model.reasons import Reason
from functions.runs.model.status import Outcome
from tests.support.builders import NOW, POLICY, UID, ended, job, pod, run
from tests.unit.deciding import GOOD, LATER, ended_with, finished, name_of, next_for, running, started

REASONS = {State.FAILED: Reason.MAX_TURNS, State.CANCELLED: Reason.CANCELLED}


def test_the_verdict_on_a_job_waits_for_the_end_of_its_pods() -> None:
    found = running()
    done = job(name_of(found), ended="Complete")
    assert next_for(found, done) == actions.ReadPods()
    assert next_for(found, done, [pod("Running", exit_code=None)]) == actions.Nothing()


def test_job_suspended_after_its_agent_ended_starts_no_pod_when_it_is_resumed() -> None:
    """The deadline by which a Job is stopped does not run while it is suspended, and begins anew when it is resumed."""
    found = running()
    *earlier, last = found.status.attempts
    outcome = Outcome(succeeded=False, reason=Reason.NETWORK, message="cut off")
    attempts = [*earlier, last.model_copy(update={"outcome": outcome})]
    found = found.with_status(found.status.model_copy(update={"attempts": attempts}))
    assert next_for(found, job(name_of(found))) == actions.Stop()
    assert next_for(found, job(name_of(found), suspend=True)) == actions.PreventPods()
    assert next_for(found, job(name_of(found), suspend=True, activeDeadlineSeconds=1)) == actions.PreventPods()
    after = next_for(found, job(name_of(found), suspend=True, parallelism=0))
    assert isinstance(after, actions.WriteStatus)
    assert (after.status.phase, after.status.attempts[-1].reason) == ("Retrying", Reason.NETWORK)


def test_success_needs_a_report_and_records_its_commit() -> None:
    found = running()
    action = next_for(found, job(name_of(found), ended="Complete"), [pod(report=GOOD)])
    assert isinstance(action, actions.Close)
    assert (action.status.phase, action.status.attempts[-1].commit) == ("Succeeded", "a" * 40)


def test_exit_code_0_without_a_report_fails_with_no_report() -> None:
    found = running()
    action = next_for(found, job(name_of(found), ended="Complete"), [pod()])
    assert isinstance(action, actions.Close)
    assert action.status.succeeded
    assert action.status.succeeded.reason == Reason.NO_REPORT


@pytest.mark.parametrize("reason", ["NetworkError", "Overloaded", "AgentError", "Terminated"])
def test_a_retriable_failure_is_retried_after_the_back_off_up_to_the_limit(reason: str) -> None:
    found = running()
    seen = ended_with(reason)
    action = next_for(found, *seen)
    assert isinstance(action, actions.WriteStatus)
    waiting = found.with_status(action.status)
    assert (waiting.status.phase, waiting.status.retry_count) == ("Retrying", 1)
    assert next_for(waiting) == actions.Nothing()
    again = next_for(waiting, now=LATER + POLICY.backoff)
    assert isinstance(again, actions.Start)
    assert (again.status.attempt, again.status.job_name) == (2, "code-run-1-3f2b8-2")
    assert again.status.attempts[-1].resumes is (reason != "NetworkError")
    second = found.with_status(again.status)
    assert isinstance(next_for(second, *seen), actions.Close)


def test_a_resumed_attempt_keeps_its_session_and_a_fresh_one_gets_its_own() -> None:
    found = running()
    for reason, same in (("Overloaded", True), ("NetworkError", False)):
        waiting = next_for(found, *ended_with(reason))
        assert isinstance(waiting, actions.WriteStatus)
        again = next_for(found.with_status(waiting.status), now=LATER + POLICY.backoff)
        assert isinstance(again, actions.Start)
        assert (again.status.session_id == found.status.session_id) is same


def test_a_rate_limited_run_is_retried_at_the_reset() -> None:
    reset = LATER + timedelta(hours=2)
    action = next_for(running(), *ended_with("RateLimited", rateLimitResetAt=reset.isoformat()))
    assert isinstance(action, actions.WriteStatus)
    assert action.status.next_attempt_at == reset


def test_a_cancel_of_a_retry_names_the_branch_that_an_earlier_attempt_pushed() -> None:
    retried = finished(spec={"contextVersion": 2, "cancel": True})
    retried = retried.with_status(retried.status.model_copy(update={"summary": "added stock"}))
    waits = retried.with_status(transitions.reopen(retried, LATER))
    over = next_for(waits)
    assert isinstance(over, actions.Close)
    words = f"; attempt 1 had pushed {retried.status.branch}"
    assert over.status.message == f"cancelled while no attempt was under way{words}"
    works = waits.with_status(transitions.running(waits.with_status(transitions.start(waits, LATER)), LATER))
    stopped = next_for(works, *ended_with("Terminated"))
    assert isinstance(stopped, actions.Close)
    assert stopped.status.message == f"cancelled; the attempt was stopped{words}"
    assert stopped.status.summary == "added stock"


def test_a_missing_secret_is_reported_at_once_and_retried_until_the_pending_wait_ends() -> None:
    found = running()
    action = next_for(found, *ended_with("MissingSecret"))
    assert isinstance(action, actions.WriteStatus)
    waiting = found.with_status(action.status)
    assert (waiting.status.message, waiting.status.retry_count) == ("why", None)
    assert next_for(waiting, now=LATER + MIN_FIX_PAUSE - timedelta(seconds=1)) == actions.Nothing()
    again = next_for(waiting, now=LATER + MIN_FIX_PAUSE)
    assert isinstance(again, actions.Start)
    late = LATER + POLICY.pending_wait
    end = decide(Observed(found.with_status(again.status), *ended_with("MissingSecret")), late, POLICY)
    assert isinstance(end, actions.Close)
    assert end.status.succeeded
    assert end.status.succeeded.reason == Reason.MISSING_SECRET


@pytest.mark.parametrize("reason", ["MaxTurns", "BudgetExceeded", "PushRefused", "RepositoryDenied", "InvalidInput"])
def test_a_failure_that_is_not_retriable_ends_the_run(reason: str) -> None:
    assert isinstance(next_for(running(), *ended_with(reason)), actions.Close)


def test_out_of_memory_takes_precedence_over_the_report() -> None:
    report = json.dumps({"outcome": "failed", "reason": "AgentError", "message": "exit 137"})
    killed = {"name": "agent", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": report}}}
    action = next_for(running(), job("x", ended="Failed"), [pod("Failed", containerStatuses=[killed])])
    assert isinstance(action, actions.Close)
    assert "memory" in (action.status.message or "")


def test_an_attempt_whose_pod_is_gone_without_a_report_is_retried() -> None:
    action = next_for(running(), job("x", ended="Failed"), [])
    assert isinstance(action, actions.WriteStatus)
    assert action.status.attempts[-1].reason == Reason.REPORT_LOST


def test_a_finished_run_is_labelled_and_then_unchanged() -> None:
    assert next_for(finished()) == actions.Close(finished().status)
    marked = finished(labels={FINISHED: UID})
    assert next_for(marked) == actions.Nothing()
    assert needs_no_reconcile(marked, LATER)


def test_a_raised_context_version_reopens_a_finished_run() -> None:
    again = finished(labels={FINISHED: UID}, spec={"contextVersion": 2, "promptModification": "the other way"})
    assert next_for(again) == actions.ReopenForSweep()
    unmarked = finished(spec={"contextVersion": 2})
    action = next_for(unmarked)
    assert isinstance(action, actions.WriteStatus)
    assert state(action.status) is State.WAITING
    start = next_for(unmarked.with_status(action.status))
    assert isinstance(start, actions.Start)
    assert (start.status.attempt, start.status.context_version, start.status.retry_count) == (2, 2, 0)
    assert start.status.session_id == unmarked.status.session_id
    assert start.status.attempts[-1].resumes


@pytest.mark.parametrize("before", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_a_retry_cancelled_before_it_began_ends_as_cancelled(before: State) -> None:
    end = finished().status if before is State.SUCCEEDED else ended(before, REASONS[before]).status
    asked = finished(spec={"contextVersion": 2, "cancel": True}, labels={FINISHED: UID}).with_status(end)
    assert not needs_no_reconcile(asked, LATER)
    assert not is_final(asked)
    assert next_for(asked) == actions.ReopenForSweep()
    unmarked = replace(asked, labels=run().labels)
    reopened = next_for(unmarked)
    assert isinstance(reopened, actions.WriteStatus)
    closed = next_for(unmarked.with_status(reopened.status))
    assert isinstance(closed, actions.Close)
    assert closed.status.succeeded
    assert (closed.status.phase, closed.status.succeeded.reason) == ("Cancelled", Reason.CANCELLED)
    assert (closed.status.attempt, closed.status.context_version) == (1, 2)
    assert is_final(asked.with_status(closed.status))
    assert needs_no_reconcile(asked.with_status(closed.status), LATER)


def test_a_refused_retry_does_not_start_after_a_cancel_is_withdrawn() -> None:
    asked = running(spec={"cancel": True}).with_status(running().status)
    raised = replace(asked, spec=run(spec={"contextVersion": 2, "cancel": True}).spec)
    action = next_for(raised)
    assert isinstance(action, actions.WriteStatus)
    following = raised.with_status(action.status)
    assert next_for(following, job(name_of(following))) == actions.Stop()
    end = next_for(following, job(name_of(following), ended="Failed", activeDeadlineSeconds=1), [])
    assert isinstance(end, actions.Close)
    back = replace(following.with_status(end.status), cancel=False, labels={**following.labels, FINISHED: UID})
    assert next_for(back) == actions.Nothing()


def test_a_transition_outside_the_table_raises_illegal_transition() -> None:
    end = finished().status
    assert State.RUNNING not in TRANSITIONS[State.SUCCEEDED]
    with pytest.raises(IllegalTransitionError, match="SUCCEEDED -> RUNNING"):
        move(end, State.RUNNING, Reason.RUNNING, "", generation=1, now=NOW)


def test_a_retry_of_an_unfinished_run_is_refused_for_good() -> None:
    early = running(spec={"contextVersion": 1})
    raised = run(status=early.to_status_update(early.status)["status"], spec={"contextVersion": 2})
    assert not needs_no_reconcile(raised, LATER)
    action = next_for(raised)
    assert isinstance(action, actions.WriteStatus)
    assert (action.status.message or "").startswith(
        "the retry asked for by contextVersion 2 is refused: the run is neither finished nor waiting for a fix"
    )
    following = raised.with_status(action.status)
    assert next_for(following, job(name_of(following))) == actions.Nothing()
    end = next_for(following, job(name_of(following), ended="Complete"), [pod(report=GOOD)])
    assert isinstance(end, actions.Close)
    done = run(
        status=following.to_status_update(end.status)["status"], spec={"contextVersion": 2}, labels={FINISHED: UID}
    )
    assert next_for(done) == actions.Nothing()
    assert "contextVersion 2 is refused" in conditions.retry_refused_message(done.status)


def test_the_retry_refused_condition_stays_until_a_retry_begins() -> None:
    early = started(spec={"contextVersion": 2}).with_status(started().status)
    refused = transitions.refuse_retry(early, NOW)
    later = replace(early, spec=run(spec={"contextVersion": 3}).spec).with_status(refused)
    again = transitions.refuse_retry(later, LATER)
    (shown,) = (each for each in again.conditions if each.type == conditions.RETRY_REFUSED)
    assert (shown.status, shown.reason, shown.last_transition_time) == ("True", Reason.NOT_FINISHED, NOW)
    assert "contextVersion 3 is refused" in shown.message
    assert again.succeeded == early.status.succeeded
    seen = transitions.running(later.with_status(again), LATER)
    assert (seen.message, conditions.retry_refused_message(seen)) == ("attempt 1 is running", shown.message)
    end = later.with_status(transitions.end_run(later.with_status(seen), State.FAILED, Reason.MAX_TURNS, "", LATER))
    assert conditions.retry_refused_message(end.status)
    assert not conditions.retry_refused_message(transitions.reopen(end, LATER))


def test_the_wait_for_a_distant_rate_limit_reset_is_bounded() -> None:
    action = next_for(running(), *ended_with("RateLimited", rateLimitResetAt="9999-12-31T00:00:00Z"))
    assert isinstance(action, actions.WriteStatus)
    assert action.status.next_attempt_at == LATER + MAX_RESET


@pytest.mark.parametrize(
    "fields",
    [
        {"rateLimitResetAt": "2026-01-01T00:00:00"},
        {"usage": {"costUsd": float("nan")}},
        {"usage": {"inputTokens": 10**26}},
        {"usage": {"turns": -1}},
        {"reason": "Succeeded"},
        {"reason": "NameTaken"},
        {"commit": "$(touch x)"},
        {"pullRequestUrl": "javascript:alert(1)"},
        {"message": "x" * 5000},
        {"summary": "x" * 5000},
    ],
    ids=str,
)
def test_an_implausible_report_is_ignored(fields: dict[str, Any]) -> None:
    seen = ended_with("RateLimited", **fields)
    action = next_for(running(), *seen)
    assert isinstance(action, actions.WriteStatus)
    assert action.status.attempts[-1].reason == Reason.AGENT_ERROR
