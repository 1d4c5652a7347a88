"""The next action of a run whose attempt is recorded and whose Job is missing.

| attempt                                | next                                                            |
|----------------------------------------|-----------------------------------------------------------------|
| recorded just now                      | create                                                          |
| status written a while ago             | write the status again, then create                             |
| recorded for another spec              | fence, then the next attempt at once; not counted as a retry    |
| may have run before the spec changed   | fence, then lost                                                |
| Jobs are refused, fences too           | a message; the end after the creation window                    |

The last tests are about the pending wait, which covers several attempts.
"""

from datetime import timedelta
from typing import Any

import pytest

from functions.runs import api_group
from functions.runs.lifecycle import actions, transitions
from functions.runs.lifecycle.job_creation_window import CREATION_WINDOW, LOCK_LIFETIME
from functions.runs.lifecycle.observed import NOT_READ, JobForbidden
from functions.runs.lifecycle.retries import MIN_FIX_PAUSE
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from tests.support.builders import NOW, POLICY, job, run
from tests.unit.deciding import LATER, ended_with, name_of, next_for, running, started

SECOND = timedelta(seconds=1)
REFUSED = JobForbidden("exceeded quota: jobs")


def edited(found: Run, **spec: Any) -> Run:
    """Return the run after people changed its spec."""
    status = found.to_status_update(found.status)["status"]
    labels = {api_group.label("service"): spec["service"]} if "service" in spec else {}
    return run(status=status, spec=spec or {"model": "claude-other"}, generation=2, labels=labels)


def written(found: Run, action: actions.Action) -> Run:
    """Return the run as it is read after the decided status was written."""
    assert isinstance(action, actions.WriteStatus | actions.Start)
    return parse({**found.raw, **found.to_status_update(action.status)})


def fence(found: Run) -> Any:
    return job(name_of(found), parallelism=0)


def test_an_old_status_is_written_again_before_its_job_is_created() -> None:
    found = started()
    assert next_for(found, None, now=NOW + CREATION_WINDOW - SECOND) == actions.CreateResources()
    again = written(found, next_for(found, None, now=NOW + CREATION_WINDOW))
    assert again.status == found.status.model_copy(update={"last_update": NOW + CREATION_WINDOW})
    assert next_for(again, None, now=NOW + CREATION_WINDOW) == actions.CreateResources()


def test_an_attempt_of_an_old_spec_is_fenced_and_the_next_uses_the_new_spec() -> None:
    found = edited(started(), service="web")
    assert next_for(found, None) == actions.Fence()
    ended = written(found, next_for(found, fence(found), []))
    assert ended.status.attempts[-1].reason == Reason.SPEC_CHANGED
    action = next_for(ended)
    assert isinstance(action, actions.Start)
    status = action.status
    assert (status.attempt, status.attempts[-1].generation, status.retry_count) == (2, 2, None)
    assert status.workspace_name == "workspace-web-rex-2e06e942"


def test_an_existing_job_continues_after_a_change_of_the_spec() -> None:
    found = edited(started())
    assert next_for(found, job(name_of(found), ready=0), NOT_READ) == actions.Nothing()


@pytest.mark.parametrize("found", [running(), started()], ids=["seen at work", "recorded long ago"])
def test_an_attempt_that_may_have_run_is_lost_after_a_change_of_the_spec(found: Run) -> None:
    late = NOW + LOCK_LIFETIME
    ended = written(edited(found), next_for(edited(found), fence(found), [], late))
    assert (ended.status.attempts[-1].reason, ended.status.retry_count) == (Reason.JOB_LOST, 1)


def test_the_attempt_after_a_fenced_resumption_resumes_the_session() -> None:
    waits = written(running(), next_for(running(), *ended_with("Overloaded")))
    second = written(waits, next_for(waits, now=LATER + MIN_FIX_PAUSE))
    changed = edited(second)
    ended = written(changed, next_for(changed, fence(second), []))
    third = next_for(ended)
    assert isinstance(third, actions.Start)
    assert (third.status.attempts[-1].resumes, third.status.session_id) == (True, running().status.session_id)


@pytest.mark.parametrize("spec", [{"cancel": True}, {"service": "Not A Label"}], ids=["cancelled", "broken"])
def test_an_attempt_whose_job_cannot_be_created_ends_after_the_creation_window(spec: dict[str, Any]) -> None:
    found = edited(started(), **spec)
    says = written(found, next_for(found, REFUSED))
    assert "exceeded quota: jobs" in (says.status.message or "")
    assert "2026-01-02T03:24:05Z" in (says.status.message or "")
    assert says.status.last_update == found.status.last_update, "the message does not renew the creation window"
    assert next_for(says, REFUSED, now=NOW + 2 * CREATION_WINDOW - SECOND) == actions.Nothing()
    assert next_for(says, REFUSED, now=NOW + 2 * CREATION_WINDOW) == actions.ReadPods()
    end = next_for(says, REFUSED, [], NOW + 2 * CREATION_WINDOW)
    assert isinstance(end, actions.Close)
    assert end.status.phase == ("Cancelled" if "cancel" in spec else "Failed")


def missing(found: Run, at: Any) -> Run:
    """Return the run whose current attempt ended with MissingSecret."""
    return written(found, next_for(found, *ended_with("MissingSecret"), at))


def tried_again(found: Run, at: Any) -> Run:
    """Return the run whose next attempt is running."""
    again = written(found, next_for(found, now=at))
    return again.with_status(transitions.running(again, at))


def test_the_pending_wait_covers_all_attempts_with_the_same_obstacle() -> None:
    """The wait counts from the first attempt, also if another obstacle delayed one of them; else attempts never end."""
    found = missing(running(), NOW)
    again = written(found, next_for(found, now=NOW + MIN_FIX_PAUSE))
    stuck = again.with_status(transitions.pending(again, Reason.UNSCHEDULABLE, "0/3 nodes", LATER))
    assert stuck.status.pending_since == LATER
    works = stuck.with_status(transitions.running(stuck, LATER))
    assert works.status.pending_since is None
    assert missing(works, LATER).status.pending_since == NOW
    assert isinstance(next_for(works, *ended_with("MissingSecret"), NOW + POLICY.pending_wait), actions.Close)


def test_the_last_try_is_at_the_end_of_the_pending_wait() -> None:
    """The pauses grow, but a Secret that is created during the last of them is still found."""
    end = NOW + POLICY.pending_wait
    found = missing(tried_again(missing(running(), NOW), NOW + MIN_FIX_PAUSE), end - timedelta(minutes=6))
    assert (found.status.next_attempt_at, found.status.pending_until) == (end, end)
    assert isinstance(next_for(found, now=end - SECOND), actions.Nothing)
    late = end + timedelta(minutes=2)
    again = tried_again(found, late)
    assert (again.status.attempt, again.status.pending_until) == (3, None)
    over = next_for(again, *ended_with("MissingSecret"), late)
    assert isinstance(over, actions.Close)
    assert (over.status.phase, over.status.pending_until) == ("Failed", None)


def test_a_retry_of_a_run_that_waits_for_a_fix_starts_at_once_and_waits_anew() -> None:
    found = missing(running(spec={"contextVersion": 1}), NOW)
    status = found.to_status_update(found.status)["status"]
    raised = run(status=status, spec={"contextVersion": 2})
    waits = written(raised, next_for(raised))
    assert (waits.status.context_version, waits.status.next_attempt_at, waits.status.retry_count) == (2, None, 0)
    assert missing(tried_again(waits, LATER), LATER).status.pending_since == LATER


def test_another_obstacle_starts_a_new_pending_wait() -> None:
    works = tried_again(missing(running(), NOW), NOW + MIN_FIX_PAUSE)
    late = NOW + POLICY.pending_wait
    other = written(works, next_for(works, *ended_with("ConfigurationError"), late))
    assert other.status.pending_since == late


def test_a_retry_request_starts_a_new_pending_wait() -> None:
    works = tried_again(missing(running(), NOW), NOW + MIN_FIX_PAUSE)
    late = NOW + POLICY.pending_wait
    end = next_for(works, *ended_with("MissingSecret"), late)
    assert isinstance(end, actions.Close)
    status = works.to_status_update(end.status)["status"]
    reopened = run(status=status, spec={"contextVersion": 2})
    waits = written(reopened, next_for(reopened, now=late))
    assert missing(tried_again(waits, late), late).status.pending_since == late


def test_a_second_agent_error_ends_the_run_despite_an_attempt_in_between() -> None:
    """An agent's error is retried once, also if an attempt that never ran came in between."""
    policy_of_three = {"maxRetries": 3}
    first = running(spec=policy_of_three)
    waits = written(first, next_for(first, *ended_with("AgentError")))
    second = tried_again(waits, LATER + MIN_FIX_PAUSE)
    third = tried_again(missing(second, LATER + MIN_FIX_PAUSE), LATER + 3 * MIN_FIX_PAUSE)
    assert isinstance(next_for(third, *ended_with("AgentError"), LATER + 4 * MIN_FIX_PAUSE), actions.Close)
