"""The lifecycle events of a run, and which of them were not published yet. Pure.

    step of the run                    published as <attempt>/<phase>
    it waits for a slot                <next attempt>/queued
    an attempt was recorded            <attempt>/started
    it ended                           <last attempt>/succeeded, failed or cancelled; 0 if there was no attempt

Each follows from the status alone, and they are in order. `status.reported`, which keeps the last one published, is
therefore enough to know which are left, also if a step passed between two looks. It is the last write about a run's end
before the run is labelled as finished, so that the sweep, which lists runs without that label, finds those that lag. A
person's retry does not wait: if it comes before the end was published, that end is not published any more.
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
"""How long the event of a change may take to be published before the sweep publishes it."""


@dataclass(frozen=True, slots=True)
class LifecycleEvent:
    """One step of a run that is published to subscribers."""

    attempt: int
    phase: Phase

    def __str__(self) -> str:
        return f"{self.attempt}/{self.phase}"


def unpublished(status: RunStatus) -> Sequence[LifecycleEvent]:
    """Return the events that were not published yet, in order.

    A run may end twice with one attempt: reopened by a person, and cancelled before the next one.
    """
    published = _rank(status.reported)
    ranked = [(event, (event.attempt, _ORDER[event.phase])) for event in _occurred(status)]
    return [
        event for event, rank in ranked if rank > published or (rank == published and str(event) != status.reported)
    ]


def overdue(status: RunStatus, now: datetime) -> bool:
    """Return whether an event is not published although there was time to."""
    return bool(unpublished(status)) and (status.last_update is None or now - status.last_update >= LATE)


def _occurred(status: RunStatus) -> list[LifecycleEvent]:
    started = [LifecycleEvent(attempt.attempt, "started") for attempt in status.attempts]
    last = status.attempt or 0
    now = state(status)
    if now in FINISHED:
        return [*started, LifecycleEvent(last, _ENDS[now])]
    waits = now is State.WAITING and status.succeeded is not None and status.succeeded.reason == Reason.QUEUED
    return [*started, LifecycleEvent(last + 1, "queued")] if waits else started


def _rank(reported: str | None) -> tuple[int, int]:
    """Return the rank of an event in the order; other text ranks before all events."""
    attempt, _, phase = (reported or "").partition("/")
    return (int(attempt), _ORDER[phase]) if attempt.isdecimal() and phase in _ORDER else (-1, -1)
