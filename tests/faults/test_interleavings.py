"""Any two of the functions and people at the same time, in every order of their API calls with two switches.

Random orders with any number of switches come on top. Whatever the order: nothing that must never be is seen on the
way, and the run ends as it does when one comes after the other.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.conftest import SCALE, SEED
from tests.faults.interleaving import Interleavings, Pair
from tests.faults.place import Place
from tests.faults.stages import HAPPENINGS, STAGES, reached

PAIRS: list[Pair] = list(itertools.combinations_with_replacement(HAPPENINGS, 2))
PART = 0.3
"""Of all orders with two switches, at SCALE=1: all of them take a quarter of an hour."""
RANDOM = 10
"""Random orders for each pair at each stage."""


@pytest.mark.parametrize("build", STAGES, ids=lambda build: build.__name__)
def test_two_at_once_end_as_one_after_the_other(build: Callable[[Place], None], tally: Counter[str]) -> None:
    at_once, rng = Interleavings(reached(build)), random.Random(f"{SEED} {build.__name__}")
    for pair in PAIRS:
        expected = at_once.one_after_the_other(pair)
        tried = dict(at_once.tried(pair, SCALE * PART, RANDOM, rng))
        names = " and ".join(happening.__name__ for happening in pair)
        for order, outcome in tried.items():
            assert outcome in expected, f"{names} in the order {order}: {outcome}, not one of {expected}"
        tally["interleavings"] += len(tried)
