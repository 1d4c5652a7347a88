"""Each API call of each operation, from each starting state, is answered with each error.

Errors come once, twice in a row, or for half an hour from one call on. The function handles the error, or raises one
that becomes a 503. Then the operation is repeated (the queue delivers the event again, the person asks again), or only
the sweep runs. The run ends as if the call had succeeded.
"""

import itertools
import random
from functools import partial

from tests.faults.conftest import SCALE, SEED, RunOnState
from tests.faults.interrupted_operation import InterruptedOperations
from tests.faults.starting_states import Build, operations_in, starting_state
from tests.support.injected_errors import (
    ALL_LATER_CALLS,
    INJECTED_ERRORS,
    LOST_ANSWER,
    OUTAGE,
    ErrorInjector,
    InjectedError,
)

HALF_AN_HOUR = 30.0
SERIES: list[tuple[InjectedError, int, float]] = [
    *((fault, 1, 0) for fault in INJECTED_ERRORS),
    (INJECTED_ERRORS[0], 2, 0),
    (LOST_ANSWER, 2, 0),
    (OUTAGE, 2, 0),
    (OUTAGE, ALL_LATER_CALLS, HALF_AN_HOUR),
    (LOST_ANSWER, ALL_LATER_CALLS, HALF_AN_HOUR),
]
"""Error, number of calls in a row that it answers, and minutes until the operation is repeated."""


def play(kind: str, build: Build) -> int:
    """Answer each call on one starting state with each series of errors; return the number of schedules."""
    interrupted, rng = (
        InterruptedOperations(starting_state(build, kind)),
        random.Random(f"{SEED} {kind} {build.__name__}"),
    )
    tried = 0
    for operation, (fault, times, later) in itertools.product(operations_in(build, kind), SERIES):
        breaks = partial(ErrorInjector, fault=fault, times=times)
        tried += len(list(interrupted.every_call(operation, breaks, lambda: rng.random() < SCALE, later)))
    return tried


def test_error_at_any_call_does_not_change_the_outcome(run_on_state: RunOnState) -> None:
    run_on_state(play, "error answers")
