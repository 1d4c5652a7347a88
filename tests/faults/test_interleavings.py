"""Any two of the functions and people at the same time, and each function beside what others in the cluster do, in
every order of their API calls with two switches.

Random orders with any number of switches come on top. Whatever the order: nothing that must never be is seen on the
way, and the run ends as it does when one comes after the other. Both kinds of run, at every stage of their life.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults.bench import Bench, StartingState
from tests.faults.cluster_operations import CLUSTER
from tests.faults.conftest import SCALE, SEED
from tests.faults.interleaved_operations import Interleavings, Pair, ScheduledOperation, differing
from tests.faults.operations import Operation, cancels, job_finishes, reconciles, sweeps
from tests.faults.parallel import CheckPool
from tests.faults.starting_states import (
    ALL_STARTING_STATES,
    KINDS,
    STARTING_STATES,
    Build,
    operations_in,
    starting_state,
)

MOVING = (reconciles, job_finishes, sweeps, cancels)
"""What moves a run on, beside what others do to its objects."""
RANDOM = 10
"""Random orders for each pair at each stage."""


def play(kind: str, build: Build) -> int:
    """Plays all interleavings at one stage; how many."""
    stage = starting_state(build, kind).fresh_copy()
    interleavings, rng, tried = Interleavings(stage), random.Random(f"{SEED} {stage}"), 0
    for pair in _pairs(stage, operations_in(build, kind)):
        if rng.random() < SCALE:
            found, wrong = differing(interleavings, pair, RANDOM, rng)
            assert not wrong, wrong
            tried += found
    return tried


def _pairs(stage: StartingState, operations: list[Operation]) -> Iterator[Pair]:
    yield from itertools.combinations_with_replacement(map(ScheduledOperation, operations), 2)
    by_others = [operation for operation in CLUSTER if _changes_something(operation, stage)]
    yield from itertools.product(map(ScheduledOperation, MOVING), map(ScheduledOperation, by_others))


def _changes_something(operation: Operation, stage: StartingState) -> bool:
    bench = Bench(stage)
    before = bench.server.content.version
    operation(bench, bench.server)
    return before != bench.server.content.version


@pytest.mark.parametrize("build", STARTING_STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_two_at_once_end_as_one_after_the_other(kind: str, build: Build, pool: CheckPool, tally: Counter[str]) -> None:
    pool.submit_all(play, ALL_STARTING_STATES)
    tally["interleavings"] += pool.result(play, kind, build)
