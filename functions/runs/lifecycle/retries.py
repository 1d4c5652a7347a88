"""Decides what follows an attempt: success, another attempt after a pause, or the end of the run. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.runs.lifecycle import budget, transitions
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import Verdict
from functions.runs.model.limits import NO_LIMITS, Limits
from functions.runs.model.reasons import FollowUp, Reason, follow_up, row
from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus, rfc3339

MAX_BACKOFF = timedelta(minutes=10)
MIN_FIX_PAUSE, MAX_FIX_PAUSE = timedelta(minutes=1), timedelta(minutes=15)
MAX_RESET = timedelta(days=8)
"""Furthest reset of a rate limit that is believed; the longest ones last a week."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of the lifecycle of runs."""

    max_retries: int
    backoff: timedelta
    pending_wait: timedelta
    limits: Limits = NO_LIMITS
    reports: bool = False
    """Whether the end of a run is published, so that the run is marked as finished only after that."""

    def retries_of(self, run: Run) -> int:
        """Return how many automatic retries the run has."""
        wanted = run.spec.max_retries if run.spec else None
        return self.max_retries if wanted is None else wanted

    def pending_until(self, run: Run, reason: str, now: datetime) -> datetime | None:
        """Return when the wait for a person's fix of `reason` ends with a last try; None for a reason without one."""
        if follow_up(reason) is not FollowUp.WAIT_FOR_FIX:
            return None
        return transitions.since(run, reason, now) + max(row(reason).min_wait, self.pending_wait)

    def gives_up(self, run: Run, now: datetime) -> bool:
        """Return whether the run still shows something to fix, and the pending wait is over."""
        shown = run.status.succeeded
        until = self.pending_until(run, shown.reason, now) if shown and run.status.pending_since else None
        return until is not None and now >= until


def fix_pause(since: datetime, now: datetime) -> timedelta:
    """Return the pause before the next try of what a person has to fix: 1, 2, 4, 8, then 15 minutes.

    It is what was waited so far and a minute, so that each pause doubles the wait. The last try is at the end of the
    wait, however long the pause would be.
    """
    return min(max(now - since, timedelta()) + MIN_FIX_PAUSE, MAX_FIX_PAUSE)


def after(run: Run, verdict: Verdict, now: datetime, policy: Policy) -> RunStatus:
    """Return the status that follows the verdict over the open attempt."""
    if run.cancel and not verdict.succeeded:
        verdict = replace(verdict, reason=Reason.CANCELLED, message="cancelled; the attempt was stopped")
    gained = transitions.evidence(run, verdict, now)
    if verdict.succeeded:
        return transitions.end_run(run, State.SUCCEEDED, verdict.reason, verdict.message, now, **gained)
    if run.cancel:
        message = verdict.message + transitions.pushed(run, gained["attempts"])
        gained["summary"] = gained["summary"] or run.status.summary
        return transitions.end_run(run, State.CANCELLED, verdict.reason, message, now, **gained)
    match follow_up(verdict.reason):
        case FollowUp.RESTART:
            return transitions.wait(run, verdict.reason, verdict.message, now, now, **gained, pending_since=None)
        case FollowUp.REQUEUE:
            return transitions.wait(run, Reason.QUEUED, verdict.message, now, now, **gained, pending_since=None)
    until = policy.pending_until(run, verdict.reason, now)
    if until and now < until:
        since = transitions.since(run, verdict.reason, now)
        gained |= transitions.evidence(run, verdict, now, since) | {"pending_since": since, "pending_until": until}
        at = min(now + fix_pause(since, now), until)
        return transitions.wait(run, verdict.reason, verdict.message, at, now, **gained)
    spent = budget.spent(run, gained.get("usage", run.status.usage))
    if spent:
        return transitions.end_run(run, State.FAILED, *spent, now, **gained)
    if _may_retry(run, verdict, policy):
        at = _next_time(run, verdict, now, policy)
        gained |= {"retry_count": _retries(run) + 1, "pending_since": None}
        message = f"attempt {run.status.attempt}: {verdict.reason}: {verdict.message}; next attempt after {rfc3339(at)}"
        return transitions.wait(run, Reason.RETRYING, message, at, now, **gained)
    return transitions.end_run(run, State.FAILED, verdict.reason, verdict.message, now, **gained)


def _retries(run: Run) -> int:
    return run.status.retry_count or 0


_COSTS_NO_RETRY = (FollowUp.RESTART, FollowUp.REQUEUE, FollowUp.WAIT_FOR_FIX)


def _may_retry(run: Run, verdict: Verdict, policy: Policy) -> bool:
    if _retries(run) >= policy.retries_of(run):
        return False
    match follow_up(verdict.reason):
        case FollowUp.RETRY_FRESH | FollowUp.RETRY_RESUME:
            return True
        case FollowUp.RETRY_RESUME_ONCE:
            tried = [attempt for attempt in run.status.attempts if follow_up(attempt.reason) not in _COSTS_NO_RETRY]
            return all(attempt.reason != verdict.reason for attempt in tried[-1 - _retries(run) : -1])
        case _:
            return False


def _next_time(run: Run, verdict: Verdict, now: datetime, policy: Policy) -> datetime:
    back_off: datetime = now + min(policy.backoff * 2 ** _retries(run), MAX_BACKOFF)
    reset = verdict.report.rate_limit_reset_at if verdict.report else None
    if reset is None or verdict.reason is not Reason.RATE_LIMITED:
        return back_off
    return max(back_off, min(reset, now + MAX_RESET))
