"""What is recalled of functions, and of whole steps of a run's life, is what they do.

two functions, taking turns at random      recalled and at work: the same turns, the same writes
one whose call goes wrong                  recalled and at work: the same writes
one that does not do the same again        is found
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
    going,
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
"""Turns of an order, after which each goes on to its end."""
PAIRS = 6
"""Pairs at each stage, by the seed."""
CALLS = 6


def at_work(operation: Operation, bench: Bench) -> Stepwise:
    """The function itself."""
    return Actor(bench.server, lambda transport: operation(bench, transport))


@pytest.mark.parametrize("build", [new, job_missing, retry_due, succeeded, going], ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_two_that_are_recalled_come_to_the_same_as_two_at_work(kind: str, build: Build) -> None:
    stage, rng = starting_state(build, kind), random.Random(f"{SEED} {kind} {build.__name__}")
    for _ in range(PAIRS):
        pair, order = rng.choices(OPERATIONS[kind], k=2), rng.choices((0, 1), k=LONGEST)
        once, again, real = Bench(stage), Bench(stage), Bench(stage)
        turns = {
            in_order([SteppedOperation(each, once) for each in pair], order),
            in_order([SteppedOperation(each, again) for each in pair], order),
            in_order([at_work(each, real) for each in pair], order),
        }
        assert len(turns) == 1
        assert take(once) == take(again) == take(real)


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER], ids=lambda fault: fault.name)
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_recalled_copes_with_errors_as_one_at_work(kind: str, fault: InjectedError) -> None:
    stage = starting_state(new, kind)
    for operation, at in itertools.product(OPERATIONS[kind], range(CALLS)):
        recalled, real = Bench(stage), Bench(stage)
        with suppress(*FAILED):
            perform(operation, recalled, ErrorInjector(recalled.undecoded, at, fault))
        with suppress(*FAILED):
            operation(real, ErrorInjector(real.server, at, fault))
        assert take(recalled) == take(real), f"{operation.__name__}, call {at}"


@pytest.mark.parametrize("build", [new, running, retry_due, going], ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_is_remembered_leads_where_it_led(kind: str, build: Build) -> None:
    stage = starting_state(build, kind)
    for step in MEANWHILE[kind]:
        once, again, real = Bench(stage), Bench(stage), Bench(stage)
        memoized(step, once)
        memoized(step, again)
        step(real)
        assert take(once) == take(again) == take(real)
        for each in (again, real):
            each.reconcile()
            each.settle()
            each.check()
        assert take(again) == take(real)


def test_one_that_does_not_do_the_same_again_is_found() -> None:
    names = itertools.count()

    def looks_by_chance(bench: Bench, transport: Transport) -> None:
        cluster = bench.services(transport).cluster
        list(cluster.list(JOB, NAMESPACE, f"name={next(names)}"))
        list(cluster.list(JOB, NAMESPACE))

    stage = starting_state(new)
    perform(looks_by_chance, Bench(stage))
    bench = Bench(stage)
    with pytest.raises(NondeterminismError, match="name=1"), suppress(*FAILED):
        perform(looks_by_chance, bench, ErrorInjector(bench.undecoded, 1, OUTAGE))
