"""How long finished runs and unused objects are kept. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.runs import api_group
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus

ORPHANED_AFTER = timedelta(minutes=1)
"""Age from which an object without its run is an orphan; the run of a younger one may not be visible yet."""

UNUSED_SINCE = api_group.label("unused-since")
"""Annotation of a workspace that no run uses: when that was noticed."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The settings of retention."""

    succeeded: timedelta = timedelta(days=7)
    otherwise: timedelta = timedelta(days=30)
    task_files: timedelta = timedelta(days=1)
    tombstones: timedelta = timedelta(days=7)
    workspaces: timedelta | None = None
    max_finished: int | None = None
    """Most finished runs to keep."""
    delete_workspaces: bool = False

    def expires(self, status: RunStatus) -> datetime | None:
        """Return when a run with this status is deleted; None while it is not finished."""
        state = states.state(status)
        if state not in states.FINISHED or status.finished_at is None:
            return None
        kept: timedelta = self.succeeded if state is State.SUCCEEDED else self.otherwise
        finished: datetime = status.finished_at
        return finished + kept


def expired(run: Run, now: datetime) -> bool:
    """Return whether the run is due for deletion: its expiry has passed, and no person asked for another attempt."""
    at = run.status.expire_at
    return at is not None and at <= now and may_be_deleted(run)


def may_be_deleted(run: Run) -> bool:
    """Return whether the run is finished for good: its end was reported, and no person asked for another attempt."""
    return run.is_marked_finished and not (run.deleting or run.retry_wanted)
