"""Runs in every state, each with the kstatus that it should have."""

from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle
from tests.support.builders import NOW, ended, run
from tests.unit.deciding import running, started

QUEUED = run().with_status(transitions.queued(run(), Obstacle(message="limits.runs"), NOW))
STUCK = started().with_status(transitions.pending(started(), Reason.IMAGE_PULL_FAILED, "no image", NOW))

STATES: list[tuple[Run, str]] = [
    (QUEUED, "InProgress"),
    (started(), "InProgress"),
    (STUCK, "InProgress"),
    (running(), "InProgress"),
    (ended(State.SUCCEEDED), "Current"),
    (ended(State.FAILED, Reason.NO_REPORT), "Failed"),
    (ended(State.CANCELLED, Reason.CANCELLED), "Failed"),
]
