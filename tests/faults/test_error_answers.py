"""Every API call of everything that happens, at every stage, is answered with every error: once, twice in a row, and
from one call on for half an hour.

The function copes, or raises what its edge turns into a 503. Then the same thing happens again (the queue delivers
the event again, the person asks again), or only the sweep comes. The run ends as if the call had gone well.
"""

import itertools
import random
from collections import Counter
from functools import partial

import pytest

from tests.faults.conftest import SCALE, SEED
from tests.faults.interrupted_operation import InterruptedOperations
from tests.faults.parallel import CheckPool
from tests.faults.starting_states import (
    ALL_STARTING_STATES,
    KINDS,
    STARTING_STATES,
    Build,
    operations_in,
    starting_state,
)
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
"""The error, how often it comes in a row, and after how many minutes all is well again."""


def play(kind: str, build: Build) -> int:
    """Breaks every call at one stage in every way; how many."""
    interrupted, rng = (
        InterruptedOperations(starting_state(build, kind)),
        random.Random(f"{SEED} {kind} {build.__name__}"),
    )
    tried = 0
    for operation, (fault, times, later) in itertools.product(operations_in(build, kind), SERIES):
        breaks = partial(ErrorInjector, fault=fault, times=times)
        tried += len(list(interrupted.every_call(operation, breaks, lambda: rng.random() < SCALE, later)))
    return tried


@pytest.mark.parametrize("build", STARTING_STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_at_any_call_changes_nothing_in_the_end(
    kind: str, build: Build, pool: CheckPool, tally: Counter[str]
) -> None:
    pool.submit_all(play, ALL_STARTING_STATES)
    tally["error answers"] += pool.result(play, kind, build)
