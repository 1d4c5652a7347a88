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
from tests.faults.interrupted_operation import Interrupted
from tests.faults.operations import HAPPENINGS
from tests.faults.parallel import Farm
from tests.faults.starting_states import EVERYWHERE, KINDS, STAGES, Build, reached
from tests.support.failing import FAULTS, FOR_EVER, LOST_ANSWER, OUTAGE, Failing, Fault

HALF_AN_HOUR = 30.0
SERIES: list[tuple[Fault, int, float]] = [
    *((fault, 1, 0) for fault in FAULTS),
    (FAULTS[0], 2, 0),
    (LOST_ANSWER, 2, 0),
    (OUTAGE, 2, 0),
    (OUTAGE, FOR_EVER, HALF_AN_HOUR),
    (LOST_ANSWER, FOR_EVER, HALF_AN_HOUR),
]
"""The error, how often it comes in a row, and after how many minutes all is well again."""


def play(kind: str, build: Build) -> int:
    """Breaks every call at one stage in every way; how many."""
    interrupted, rng = Interrupted(reached(build, kind)), random.Random(f"{SEED} {kind} {build.__name__}")
    tried = 0
    for happening, (fault, times, later) in itertools.product(HAPPENINGS[kind], SERIES):
        breaks = partial(Failing, fault=fault, times=times)
        tried += len(list(interrupted.every_call(happening, breaks, lambda: rng.random() < SCALE, later)))
    return tried


@pytest.mark.parametrize("build", STAGES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_at_any_call_changes_nothing_in_the_end(
    kind: str, build: Build, farm: Farm, tally: Counter[str]
) -> None:
    farm.sow(play, EVERYWHERE)
    tally["error answers"] += farm.reap(play, kind, build)
