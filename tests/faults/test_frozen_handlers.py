"""Everything that happens stands still after each of its API calls for more than a day, and then goes on.

Meanwhile the world moves on: the run is finished, tried again or deleted by others, its Jobs are collected at the end
of their TTL and with them the locks that an attempt's name is. Whoever comes back then starts nothing twice.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest

from tests.faults.bench import FAILED, Bench, Outcome, StaleClockBench, StartingState
from tests.faults.call_cache import perform
from tests.faults.conftest import SCALE, SEED
from tests.faults.operations import OPERATIONS, Operation, deletes, reconciles, retries, submits
from tests.faults.outcome_cache import OutcomeCache
from tests.faults.parallel import CheckPool
from tests.faults.snapshot import memoized
from tests.faults.starting_states import ALL_STARTING_STATES, KINDS, STARTING_STATES, Build, new, starting_state
from tests.support.crashing import CrashingTransport, Killed
from tests.support.freezing import FreezingTransport

Meanwhile = Callable[[Bench], None]


def others_finish_it(place: Bench) -> None:
    """The run ends, and its Jobs reach the end of their TTL."""
    place.settle()
    place.expire()


def a_person_retries(place: Bench) -> None:
    """After its end, a person has it tried again, and that attempt works when the frozen handler comes back."""
    memoized(others_finish_it, place)
    retries(place, place.server)
    place.reconcile()
    place.pod_comes_up()


def a_retry_ends(place: Bench) -> None:
    """After its end, it is tried again, and that is over too."""
    memoized(a_person_retries, place)
    others_finish_it(place)


def a_person_deletes_it(place: Bench) -> None:
    """It is deleted, and the request that made it comes once more."""
    memoized(others_finish_it, place)
    deletes(place, place.server)
    place.server.collect()
    submits(place, place.server)


def nobody_looks(place: Bench) -> None:
    """All functions are down: agents end and Jobs are collected, and no run is told."""
    place.finish_pods()
    place.expire()


MEANWHILE: dict[str, list[Meanwhile]] = {
    "CodeRun": [others_finish_it, a_person_retries, a_retry_ends, a_person_deletes_it, nobody_looks],
    "DocsRun": [others_finish_it, a_person_deletes_it, nobody_looks],
}


class FrozenHandlers:
    """All that may stand still at one stage."""

    def __init__(self, stage: StartingState, place: type[Bench] = Bench) -> None:
        self._stage, self._place = stage, place
        self._futures = OutcomeCache(events=False)

    def every_call(self, happening: Operation, meanwhile: Meanwhile) -> Iterator[str]:
        """Freezes after each call. Raises AssertionError where the run ends as it does in no order of the two."""
        allowed = {self._in_order(*steps) for steps in _orders(happening, meanwhile)}
        for at in itertools.count():
            place, told = self._place(self._stage), f"{happening.__name__} at {self._stage}, frozen after call {at}"
            frozen = FreezingTransport(place.undecoded, at, lambda: memoized(meanwhile, place))  # noqa: B023
            with suppress(*FAILED):
                perform(happening, place, frozen)
            if not frozen.struck:
                return
            outcome = self._end(place, f"{told} while {meanwhile.__name__}")
            expected = allowed | {self._in_order(_dies(happening, at), partial(memoized, meanwhile))}
            assert outcome in expected, f"{told} while {meanwhile.__name__}: {outcome}, not one of {expected}"
            yield told

    def _in_order(self, *steps: Callable[[Bench], None]) -> Outcome:
        place = self._place(self._stage)
        for step in steps:
            step(place)
        return self._end(place, "nobody was frozen")

    def _end(self, place: Bench, told: str) -> Outcome:
        try:
            return self._futures.of(place)
        except AssertionError as error:
            raise AssertionError(f"{told}: {error}") from error


def _dies(happening: Operation, at: int) -> Callable[[Bench], None]:
    def dies(place: Bench) -> None:
        with suppress(Killed):
            perform(happening, place, CrashingTransport(place.undecoded, at, after=True))

    return dies


def _orders(happening: Operation, meanwhile: Meanwhile) -> list[list[Callable[[Bench], None]]]:
    def once(place: Bench) -> None:
        perform(happening, place)

    others = partial(memoized, meanwhile)
    return [[others], [once, others], [others, once], [once, others, once]]


def play(kind: str, build: Build) -> int:
    """Freezes everything at one stage after each call; how often."""
    frozen, rng = FrozenHandlers(starting_state(build, kind)), random.Random(f"{SEED} {kind} {build.__name__}")
    pairs = itertools.product(OPERATIONS[kind], MEANWHILE[kind])
    return sum(len(list(frozen.every_call(*pair))) for pair in pairs if rng.random() < SCALE)


@pytest.mark.parametrize("build", STARTING_STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_who_stood_still_for_a_day_starts_nothing_twice(
    kind: str, build: Build, farm: CheckPool, tally: Counter[str]
) -> None:
    farm.sow(play, ALL_STARTING_STATES)
    tally["frozen handlers"] += farm.reap(play, kind, build)


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_not_look_at_the_clock_is_found(kind: str) -> None:
    frozen = FrozenHandlers(starting_state(new, kind), StaleClockBench)
    with pytest.raises(AssertionError, match="its agent is started twice"):
        list(frozen.every_call(reconciles, others_finish_it))
