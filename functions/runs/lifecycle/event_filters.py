"""Finds watch events that need no action. The run in an event may be old, so nothing else is decided from it. Pure."""

from datetime import datetime, timedelta

from functions.runs.api_group import FINISHED
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run

HANDLER_GRACE = timedelta(seconds=10)
"""How long after recording an attempt its own handler may still be creating what it named."""


def needs_no_reconcile(run: Run, now: datetime) -> bool:
    """Return whether a run, as an event shows it, leaves nothing to do.

    A recorded attempt is left to the handler that recorded it: if that one dies, its own event is redelivered.
    """
    state = states.state(run.status)
    if run.deleting:
        return run.is_released
    if state in states.FINISHED:
        return run.is_marked_finished and not run.retry_wanted and not run.is_stale
    if FINISHED in run.labels or run.cancel or run.retry_wanted:
        return False
    if state is State.WAITING:
        return _is_queued(run) or (run.status.next_attempt_at is not None and run.status.next_attempt_at > now)
    recorded = run.status.last_update
    return state is State.RUNNING or (recorded is not None and now - recorded < HANDLER_GRACE)


def _is_queued(run: Run) -> bool:
    """Return whether the run is in the pending queue: a freed slot, or the sweep, starts it."""
    return run.status.succeeded is not None and run.status.succeeded.reason == Reason.QUEUED


def agent_is_running(run: Run) -> bool:
    """Return whether the run's agent works and no person wants it to stop: its Job and the sweep move it on.

    A label that hides the run from the sweep has to be removed first.
    """
    if run.deleting or run.cancel or run.retry_wanted or FINISHED in run.labels:
        return False
    return states.state(run.status) is State.RUNNING


def is_final(run: Run) -> bool:
    """Return whether the run is finished and no person wants it tried again."""
    return states.state(run.status) in states.FINISHED and not run.retry_wanted
