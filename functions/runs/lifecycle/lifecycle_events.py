"""What the world is told of a run: its milestones, and which of them it has not been told yet. Pure.

    milestone                          told as <attempt>/<phase>
    it waits for its turn              <next attempt>/queued
    an attempt was recorded            <attempt>/started
    it ended                           <last attempt>/succeeded, failed or cancelled; 0 where there was none

Each follows from the status alone, and they are in order; so `status.reported`, which keeps the last one told, is
enough to know which are left, also for one that went by between two looks. It is the last thing written about a
run's end before the run is marked as finished: whoever lists the runs without that mark finds those that lag. A
person's retry waits for nobody: where it comes before the end was told, that end is not told any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from functions.runs.lifecycle.states import FINISHED, State, state
from functions.runs.model.reasons import Reason
from functions.runs.model.status import RunStatus

Phase = Literal["queued", "started", "succeeded", "failed", "cancelled"]

_ORDER: dict[str, int] = {"queued": 0, "started": 1, "succeeded": 2, "failed": 2, "cancelled": 2}
_ENDS: dict[State, Phase] = {State.SUCCEEDED: "succeeded", State.FAILED: "failed", State.CANCELLED: "cancelled"}


LATE = timedelta(seconds=30)
"""How long the event of a change may take to come to be told, before the sweep tells of it."""


@dataclass(frozen=True, slots=True)
class LifecycleEvent:
    """One step of a run that others want to know of."""

    attempt: int
    phase: Phase

    def __str__(self) -> str:
        return f"{self.attempt}/{self.phase}"


def unpublished(status: RunStatus) -> Sequence[LifecycleEvent]:
    """The milestones that were not reported yet, in order.

    A run may end twice with one attempt: reopened by a person, and cancelled before the next one.
    """
    told = _place(status.reported)
    places = [(each, (each.attempt, _ORDER[each.phase])) for each in _occurred(status)]
    return [each for each, at in places if at > told or (at == told and str(each) != status.reported)]


def overdue(status: RunStatus, now: datetime) -> bool:
    """Whether something is untold although there was time to tell it."""
    return bool(unpublished(status)) and (status.last_update is None or now - status.last_update >= LATE)


def _occurred(status: RunStatus) -> list[LifecycleEvent]:
    found = [LifecycleEvent(each.attempt, "started") for each in status.attempts]
    last = status.attempt or 0
    now = state(status)
    if now in FINISHED:
        return [*found, LifecycleEvent(last, _ENDS[now])]
    waits = now is State.WAITING and status.succeeded is not None and status.succeeded.reason == Reason.QUEUED
    return [*found, LifecycleEvent(last + 1, "queued")] if waits else found


def _place(reported: str | None) -> tuple[int, int]:
    """Where a milestone stands in the order; what nobody can read was told of nothing."""
    attempt, _, phase = (reported or "").partition("/")
    return (int(attempt), _ORDER[phase]) if attempt.isdecimal() and phase in _ORDER else (-1, -1)
