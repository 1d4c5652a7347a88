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
from tests.faults.bench import FAILED, NAMESPACE, Place
from tests.faults.call_cache import Performer, happens
from tests.faults.conftest import SEED
from tests.faults.operations import HAPPENINGS, Happening
from tests.faults.snapshot import remembered, standing
from tests.faults.starting_states import KINDS, Build, going, job_missing, new, reached, retry_due, running, succeeded
from tests.faults.test_frozen_handlers import MEANWHILE
from tests.support.actors import Actor, Stepwise, in_order
from tests.support.failing import LOST_ANSWER, OUTAGE, Failing, Fault
from tests.support.stepped_calls import Strayed

LONGEST = 24
"""Turns of an order, after which each goes on to its end."""
PAIRS = 6
"""Pairs at each stage, by the seed."""
CALLS = 6


def at_work(happening: Happening, place: Place) -> Stepwise:
    """The function itself."""
    return Actor(place.server, lambda transport: happening(place, transport))


@pytest.mark.parametrize("build", [new, job_missing, retry_due, succeeded, going], ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_two_that_are_recalled_come_to_the_same_as_two_at_work(kind: str, build: Build) -> None:
    stage, rng = reached(build, kind), random.Random(f"{SEED} {kind} {build.__name__}")
    for _ in range(PAIRS):
        pair, order = rng.choices(HAPPENINGS[kind], k=2), rng.choices((0, 1), k=LONGEST)
        once, again, real = Place(stage), Place(stage), Place(stage)
        turns = {
            in_order([Performer(each, once) for each in pair], order),
            in_order([Performer(each, again) for each in pair], order),
            in_order([at_work(each, real) for each in pair], order),
        }
        assert len(turns) == 1
        assert standing(once) == standing(again) == standing(real)


@pytest.mark.parametrize("fault", [OUTAGE, LOST_ANSWER], ids=lambda fault: fault.name)
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_recalled_copes_with_errors_as_one_at_work(kind: str, fault: Fault) -> None:
    stage = reached(new, kind)
    for happening, at in itertools.product(HAPPENINGS[kind], range(CALLS)):
        recalled, real = Place(stage), Place(stage)
        with suppress(*FAILED):
            happens(happening, recalled, Failing(recalled.undecoded, at, fault))
        with suppress(*FAILED):
            happening(real, Failing(real.server, at, fault))
        assert standing(recalled) == standing(real), f"{happening.__name__}, call {at}"


@pytest.mark.parametrize("build", [new, running, retry_due, going], ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_is_remembered_leads_where_it_led(kind: str, build: Build) -> None:
    stage = reached(build, kind)
    for step in MEANWHILE[kind]:
        once, again, real = Place(stage), Place(stage), Place(stage)
        remembered(step, once)
        remembered(step, again)
        step(real)
        assert standing(once) == standing(again) == standing(real)
        for each in (again, real):
            each.reconcile()
            each.settle()
            each.check()
        assert standing(again) == standing(real)


def test_one_that_does_not_do_the_same_again_is_found() -> None:
    names = itertools.count()

    def looks_by_chance(place: Place, transport: Transport) -> None:
        cluster = place.services(transport).cluster
        list(cluster.list(JOB, NAMESPACE, f"name={next(names)}"))
        list(cluster.list(JOB, NAMESPACE))

    stage = reached(new)
    happens(looks_by_chance, Place(stage))
    place = Place(stage)
    with pytest.raises(Strayed, match="name=1"), suppress(*FAILED):
        happens(looks_by_chance, place, Failing(place.undecoded, 1, OUTAGE))
