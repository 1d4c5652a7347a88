"""Any two of the functions and people at the same time, in every order of their API calls with two switches.

Random orders with any number of switches come on top. Whatever the order: nothing that must never be is seen on the
way, and the run ends as it does when one comes after the other. Both kinds of run, at every stage of their life.
"""

import itertools
import random
from collections import Counter

import pytest

from tests.faults.conftest import SCALE, SEED
from tests.faults.interleaved_operations import Interleavings, ScheduledOperation, differing
from tests.faults.operations import OPERATIONS
from tests.faults.parallel import CheckPool
from tests.faults.starting_states import ALL_STARTING_STATES, KINDS, STARTING_STATES, Build, starting_state

RANDOM = 10
"""Random orders for each pair at each stage."""


def play(kind: str, build: Build) -> int:
    """Plays all interleavings at one stage; how many."""
    stage = starting_state(build, kind).fresh_copy()
    interleavings, rng, tried = Interleavings(stage), random.Random(f"{SEED} {stage}"), 0
    for pair in itertools.combinations_with_replacement(map(ScheduledOperation, OPERATIONS[kind]), 2):
        if rng.random() < SCALE:
            found, wrong = differing(interleavings, pair, RANDOM, rng)
            assert not wrong, wrong
            tried += found
    return tried


@pytest.mark.parametrize("build", STARTING_STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_two_at_once_end_as_one_after_the_other(kind: str, build: Build, pool: CheckPool, tally: Counter[str]) -> None:
    pool.submit_all(play, ALL_STARTING_STATES)
    tally["interleavings"] += pool.result(play, kind, build)
