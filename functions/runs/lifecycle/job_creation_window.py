"""For how long the Job of a recorded attempt may still be created, by whom ever: pure, from the status and the time.

A Job's name is its attempt's lock, and an attempt ends only when that name is taken. Two things need a clock besides.
A Job is collected a day after its end, and with it the lock. And where the cluster refuses every Job, a quota for
instance, nobody can take the name; then it has to be enough that nobody would create the Job any more. So a recorded
attempt is a promise that runs out: whoever creates looks at the clock right before, for it may have stood still.
"""

from datetime import datetime, timedelta

from functions.runs.model.run import Run
from functions.runs.model.status import MESSAGE_LENGTH, RunStatus, rfc3339

LOCK_HOLDS = timedelta(hours=12)
"""How long after an attempt was recorded its Job cannot have come and gone by itself: half of the shortest TTL of a
Job (24 h, `ttlSecondsAfterFinished`), so that clocks may differ."""


def may_create_job(run: Run, now: datetime) -> bool:
    """Whether the open attempt's Job may be created: later, its name may be free because its agent has been there."""
    recorded = run.status.open_attempt
    return recorded is not None and now - recorded.started_at < LOCK_HOLDS


PROMISE = timedelta(minutes=10)
"""How long whoever read or wrote a status may still create what it names: several times the longest that a function
takes. Nobody creates a Job for an attempt whose status was last written twice as long ago, so that clocks may differ
by the half of it."""


def is_fresh(run: Run, now: datetime) -> bool:
    """Whether the status is young enough to create what it names; else it is written again before."""
    written = run.status.last_update
    return written is not None and now - written < PROMISE


def job_may_still_appear(run: Run, now: datetime) -> bool:
    """Whether somebody who read the status may still create the Job of the open attempt."""
    written = run.status.last_update
    return written is not None and now - written < 2 * PROMISE


def refreshed(run: Run, now: datetime) -> RunStatus:
    """The same status, written as of now."""
    return run.status.model_copy(update={"last_update": now})


def blocked(run: Run, why: str) -> RunStatus:
    """The run while its attempt cannot be ended for that reason; that it is said renews nothing."""
    written = run.status.last_update
    until = f", or after {rfc3339(written + 2 * PROMISE)}, when nobody makes it any more" if written else ""
    message = f"it ends once a Job that starts nothing can be made in place of its attempt's{until}: {why}"
    return run.status.model_copy(update={"message": message[:MESSAGE_LENGTH]})
