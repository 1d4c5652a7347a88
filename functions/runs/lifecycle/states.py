"""The life of a run as a table, and the one place where its status moves on.

Why the table is right:

- A run is WAITING until an attempt is recorded in its status; that write comes before anything is created, so
  that a handler that finds an attempt recorded may create what it names, and nothing else.
- An attempt is STARTING until its container was seen running, and RUNNING after that. The difference matters once:
  where the Job of a STARTING attempt is missing it is created, where that of a RUNNING one is missing it was lost.
- An attempt that ended badly leads back to WAITING (with a time not to start before), or ends the run.
- SUCCEEDED, FAILED and CANCELLED are left in one way only: a retry raises contextVersion. An event that arrives
  late, twice or out of order finds no transition, and therefore nothing to do.

             ┌──────────────────── a retry (contextVersion) ────────────────────┐
             ▼                                                                  │
          WAITING ──► STARTING ──► RUNNING ──► SUCCEEDED ───────────────────────┤
             ▲  │        │  │         │  └────► FAILED ─────────────────────────┤
             └──┼────────┴──┼─────────┘                                         │
                └───────────┴───────────────► FAILED or CANCELLED ──────────────┘

A state is read from the status (the decisive condition and whether an attempt is open); it is never stored apart.
"""

from datetime import datetime
from enum import Enum
from typing import Any

from functions.runs.model.conditions import set_lifecycle
from functions.runs.model.reasons import Reason
from functions.runs.model.status import MESSAGE_LENGTH, RunStatus, Truth, derive_phase


class State(Enum):
    """The state of a run; the value describes it for people."""

    WAITING = "waiting for its first or next attempt"
    STARTING = "an attempt is recorded, its agent was not seen yet"
    RUNNING = "the agent was seen running"
    SUCCEEDED = "ended well"
    FAILED = "ended badly"
    CANCELLED = "ended by a person"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.WAITING, State.STARTING, State.FAILED, State.CANCELLED}),
    State.STARTING: frozenset(State),
    State.RUNNING: frozenset({State.WAITING, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset({State.WAITING}),
    State.FAILED: frozenset({State.WAITING}),
    State.CANCELLED: frozenset({State.WAITING}),
}

FINISHED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})


class IllegalTransitionError(Exception):
    """A decision asked for a step that the table does not have: a defect of ours, never of the input."""


def state(status: RunStatus) -> State:
    """Return the state of a run with this status."""
    condition = status.succeeded
    if condition and condition.status == "True":
        return State.SUCCEEDED
    if condition and condition.status == "False":
        return State.CANCELLED if condition.reason == Reason.CANCELLED else State.FAILED
    if status.open_attempt is None:
        return State.WAITING
    return State.RUNNING if condition and condition.reason == Reason.RUNNING else State.STARTING


_TRUTH: dict[State, Truth] = {State.SUCCEEDED: "True", State.FAILED: "False", State.CANCELLED: "False"}


def move(
    status: RunStatus, to: State, reason: Reason, message: str, *, generation: int, now: datetime, **changes: Any
) -> RunStatus:
    """Return the status after a step to `to`, with `changes` to further fields.

    Raises:
        IllegalTransitionError: the table has no such step.
    """
    source = state(status)
    if to not in TRANSITIONS[source]:
        raise IllegalTransitionError(f"{source.name} -> {to.name} ({reason})")
    truth = _TRUTH.get(to, "Unknown")
    message = message[:MESSAGE_LENGTH]
    return status.model_copy(
        update={
            "phase": derive_phase(truth, reason),
            "conditions": set_lifecycle(status.conditions, truth, reason, message, generation, now),
            "observed_generation": generation,
            "message": message,
            "last_update": now,
            **changes,
        }
    )
