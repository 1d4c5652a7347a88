"""How long things are kept that nobody works with any more: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.runs import api_group
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus

ORPHANED_AFTER = timedelta(minutes=1)
"""Youngest orphan that is taken for one: its run may just be on its way."""

UNUSED_SINCE = api_group.label("unused-since")
"""Annotation of a workspace that no run names any more: when that was noticed."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What configuration has to say about it."""

    succeeded: timedelta = timedelta(days=7)
    otherwise: timedelta = timedelta(days=30)
    task_files: timedelta = timedelta(days=1)
    tombstones: timedelta = timedelta(days=7)
    workspaces: timedelta | None = None
    delete_workspaces: bool = False

    def expires(self, status: RunStatus) -> datetime | None:
        """When a run with this status is deleted; None while it is not finished."""
        state = states.state(status)
        if state not in states.FINISHED or status.finished_at is None:
            return None
        kept: timedelta = self.succeeded if state is State.SUCCEEDED else self.otherwise
        finished: datetime = status.finished_at
        return finished + kept


def expired(run: Run, now: datetime) -> bool:
    """Whether the run is to be deleted: its status says since when, and nobody asked for another attempt since."""
    at = run.status.expire_at
    return at is not None and at <= now and run.is_marked_finished and not (run.deleting or run.retry_wanted)
