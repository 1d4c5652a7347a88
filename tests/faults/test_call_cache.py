"""A memoized function or step has the same effects as a real one.

Compared are two functions in random orders of calls, a function with a failing call, and whole steps of a run's life;
a function that is not deterministic is reported.
"""

import itertools
import random
from contextlib import suppress

import pytest

from functions.cluster.kinds import JOB
from functions.cluster.transport import Transport
from tests.faults.bench import FAILED, NAMESPACE, Bench
from tests.faults.call_cache import SteppedOperation, perform
from tests.faults.conftest import SEED
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.snapshot import memoized, take
from tests.faults.starting_states import (
    KINDS,
    Build,
    being_deleted,
    job_missing,
    new,
    retry_due,
    running,
    starting_state,
    succeeded,
)
from tests.faults.test_frozen_handlers import MEANWHILE
from tests.support.actors import Actor, Stepwise, in_order
from tests.support.injected_errors import LOST_ANSWER, OUTAGE, ErrorInjector, InjectedError
from tests.support.stepped_calls import NondeterminismError

LONGEST = 24
"""Calls in a random order; after them each function runs to its end."""
PAIRS = 6
"""Pairs of operations per starting state, chosen by the seed."""
CALLS = 6


def at_work(operation: Operation, bench: Bench) -> Stepwise:
    """Return the function itself, call by call, without memoization."""
    return Actor(bench.server, lambda transport: operation(bench, transport))


@pytest.mark.parametrize(
    "build", [new, job_missing, retry_due, succeeded, being_deleted], ids=lambda build: build.__name__
)
@pytest.mark.parametrize("kind", KINDS)
def test_two_memoized_functions_act_like_two_real_ones(kind: str, build: Build) -> None:
    start, rng = starting_state(build, kind), random.Random(f"{SEED} {kind} {build.__name__}")
    for _ in range(PAIRS):
        pair, order = rng.choices(OPERATIONS[kind], k=2), rng.choices((0, 1), k=LONGEST)
        once, again, real = Bench(start), Bench(start), Bench(start)
        turns = {
            in_order([SteppedOperation(each, once) for each in pair], order),
            in_order([SteppedOperation(each, again) for each in pair], order),
            in_order([at_work(each, real) for each in pair], order),
        }
        assert len(turns) == 1
        assert take(once) == take(again) == take(real)


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER], ids=lambda fault: fault.name)
@pytest.mark.parametrize("kind", KINDS)
def test_memoized_function_handles_errors_like_a_real_one(kind: str, fault: InjectedError) -> None:
    start = starting_state(new, kind)
    for operation, at in itertools.product(OPERATIONS[kind], range(CALLS)):
        recalled, real = Bench(start), Bench(start)
        with suppress(*FAILED):
            perform(operation, recalled, ErrorInjector(recalled.undecoded, at, fault))
        with suppress(*FAILED):
            operation(real, ErrorInjector(real.server, at, fault))
        assert take(recalled) == take(real), f"{operation.__name__}, call {at}"


@pytest.mark.parametrize("build", [new, running, retry_due, being_deleted], ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_memoized_step_has_the_result_of_the_real_step(kind: str, build: Build) -> None:
    start = starting_state(build, kind)
    for step in MEANWHILE[kind]:
        once, again, real = Bench(start), Bench(start), Bench(start)
        memoized(step, once)
        memoized(step, again)
        step(real)
        assert take(once) == take(again) == take(real)
        for each in (again, real):
            each.reconcile()
            each.settle()
            each.check()
        assert take(again) == take(real)


def test_nondeterministic_function_is_reported() -> None:
    names = itertools.count()

    def looks_by_chance(bench: Bench, transport: Transport) -> None:
        cluster = bench.services(transport).cluster
        list(cluster.list(JOB, NAMESPACE, f"name={next(names)}"))
        list(cluster.list(JOB, NAMESPACE))

    start = starting_state(new)
    perform(looks_by_chance, Bench(start))
    bench = Bench(start)
    with pytest.raises(NondeterminismError, match="name=1"), suppress(*FAILED):
        perform(looks_by_chance, bench, ErrorInjector(bench.undecoded, 1, OUTAGE))
