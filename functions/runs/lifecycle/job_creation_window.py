"""When the Job of a recorded attempt may still be created. Pure: callers pass the time.

The Job's name is the attempt's lock: an attempt ends only once its Job exists or its name is reserved. Time limits
cover two cases where the name alone does not protect:

- Kubernetes deletes a finished Job after its TTL (at least 24 h), which frees the name. A Job is therefore never
  created more than LOCK_LIFETIME after the attempt was recorded.
- A cluster that rejects every Job (for example because of a quota) also rejects the placeholder that would reserve the
  name. The attempt then ends after CREATION_WINDOW has passed twice, because no handler creates a Job from a status
  older than one window.

Both limits allow for clocks that differ by half of them.
"""

from datetime import datetime, timedelta

from functions.runs.model.run import Run
from functions.runs.model.status import MESSAGE_LENGTH, RunStatus, rfc3339

LOCK_LIFETIME = timedelta(hours=12)
"""Half of the shortest Job TTL (24 h)."""

CREATION_WINDOW = timedelta(minutes=10)
"""How long after a status write a handler may create the Job it names. Several times the longest function timeout."""


def may_create_job(run: Run, now: datetime) -> bool:
    """Return whether the open attempt is recent enough that its Job cannot have finished and been deleted."""
    recorded = run.status.open_attempt
    return recorded is not None and now - recorded.started_at < LOCK_LIFETIME


def is_fresh(run: Run, now: datetime) -> bool:
    """Return whether the status was written within CREATION_WINDOW; else write it again before creating the Job."""
    written = run.status.last_update
    return written is not None and now - written < CREATION_WINDOW


def job_may_still_appear(run: Run, now: datetime) -> bool:
    """Return whether a handler that read this status may still create the Job."""
    written = run.status.last_update
    return written is not None and now - written < 2 * CREATION_WINDOW


def refreshed(run: Run, now: datetime) -> RunStatus:
    """Return the status with last_update set to now, which starts a new creation window."""
    return run.status.model_copy(update={"last_update": now})


def blocked(run: Run, cause: str) -> RunStatus:
    """Return the status explaining why the attempt cannot end yet; the present one if it explains that already.

    The cause may have other words at each try, and each write makes an event, which tries again. Leaves last_update
    unchanged, so that explaining does not extend the creation window.
    """
    written = run.status.last_update
    until = f", or at {rfc3339(written + 2 * CREATION_WINDOW)}" if written else ""
    message = f"the attempt ends when a placeholder Job can be created{until}: "
    if (run.status.message or "").startswith(message):
        return run.status
    return run.status.model_copy(update={"message": (message + cause)[:MESSAGE_LENGTH]})
