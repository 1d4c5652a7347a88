"""Two concurrent operations in every order of their API calls with two switches, and in random orders.

The pairs are any two operations of functions and people, and each operation that moves a run beside each operation of
the cluster, on each starting state of each kind of run. In every order the invariants hold, and the outcome is that of
a sequential order.
"""

import itertools
import random
from collections.abc import Iterator

from tests.faults.bench import Bench, StartingState
from tests.faults.cluster_operations import CLUSTER
from tests.faults.conftest import SCALE, SEED, RunOnState
from tests.faults.interleaved_operations import Interleavings, Pair, ScheduledOperation, differing
from tests.faults.operations import Operation, cancels, job_finishes, reconciles, sweeps
from tests.faults.starting_states import Build, operations_in, starting_state

MOVING = (reconciles, job_finishes, sweeps, cancels)
"""Operations that move a run on, paired with the operations of the cluster."""
RANDOM = 10
"""Random orders for each pair and starting state."""


def play(kind: str, build: Build) -> int:
    """Run all interleavings on one starting state; return their number."""
    start = starting_state(build, kind).fresh_copy()
    interleavings, rng, tried = Interleavings(start), random.Random(f"{SEED} {start}"), 0
    for pair in _pairs(start, operations_in(build, kind)):
        if rng.random() < SCALE:
            found, wrong = differing(interleavings, pair, RANDOM, rng)
            assert not wrong, wrong
            tried += found
    return tried


def _pairs(start: StartingState, operations: list[Operation]) -> Iterator[Pair]:
    yield from itertools.combinations_with_replacement(map(ScheduledOperation, operations), 2)
    by_others = [operation for operation in CLUSTER if _changes_something(operation, start)]
    yield from itertools.product(map(ScheduledOperation, MOVING), map(ScheduledOperation, by_others))


def _changes_something(operation: Operation, start: StartingState) -> bool:
    bench = Bench(start)
    before = bench.server.content.version
    operation(bench, bench.server)
    return before != bench.server.content.version


def test_concurrent_operations_have_the_outcome_of_a_sequential_order(run_on_state: RunOnState) -> None:
    run_on_state(play, "interleavings")
