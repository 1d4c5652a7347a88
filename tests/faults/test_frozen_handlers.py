"""Everything that happens stands still after each of its API calls for more than a day, and then goes on.

Meanwhile others go on: the run is finished, tried again or deleted by others, its Jobs are collected at the end
of their TTL and with them the locks that an attempt's name is. A handler that resumes then starts nothing twice.
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
from tests.faults.operations import Operation, deletes, reconciles, retries, submits
from tests.faults.outcome_cache import OutcomeCache
from tests.faults.parallel import CheckPool
from tests.faults.snapshot import memoized
from tests.faults.starting_states import (
    ALL_STARTING_STATES,
    KINDS,
    STARTING_STATES,
    Build,
    new,
    operations_in,
    starting_state,
    suspended,
    without_needs,
)
from tests.support.crashing import CrashingTransport, Killed
from tests.support.freezing import FreezingTransport

Meanwhile = Callable[[Bench], None]


def others_finish_it(bench: Bench) -> None:
    """The run ends, and its Jobs reach the end of their TTL."""
    bench.settle()
    bench.expire()


def a_person_retries(bench: Bench) -> None:
    """After its end, a person has it tried again, and that attempt works when the frozen handler comes back."""
    memoized(others_finish_it, bench)
    retries(bench, bench.server)
    bench.reconcile()
    bench.nodes.pods_come_up()


def a_retry_ends(bench: Bench) -> None:
    """After its end, it is tried again, and that is over too."""
    memoized(a_person_retries, bench)
    others_finish_it(bench)


def a_person_deletes_it(bench: Bench) -> None:
    """It is deleted, and the request that made it comes once more."""
    memoized(others_finish_it, bench)
    deletes(bench, bench.server)
    bench.server.collect()
    submits(bench, bench.server)


def nobody_looks(bench: Bench) -> None:
    """All functions are down: agents end and Jobs are collected, and no run is told."""
    bench.nodes.finish_pods()
    bench.expire()


MEANWHILE: dict[str, list[Meanwhile]] = {
    "CodeRun": [others_finish_it, a_person_retries, a_retry_ends, a_person_deletes_it, nobody_looks],
    "DocsRun": [others_finish_it, a_person_deletes_it, nobody_looks],
}


DECIDED_BY_LUCK = (suspended, without_needs)
"""Where an outage of a day ends in more than one way: an attempt that nobody saw after it was suspended was requeued or
lost, and a pod without its volumes is given up after an hour (PATIENT), for which a bench does not rest long enough.
"""


class FrozenHandlers:
    """All that may stand still at one stage."""

    def __init__(self, stage: StartingState, bench: type[Bench] = Bench) -> None:
        self._stage, self._bench = stage, bench
        self._outcomes = OutcomeCache(events=False)

    def every_call(self, operation: Operation, meanwhile: Meanwhile) -> Iterator[str]:
        """Freezes after each call. Raises AssertionError where the run ends as it does in no order of the two."""
        allowed = {self._in_order(*steps) for steps in _orders(operation, meanwhile)}
        for at in itertools.count():
            bench, description = (
                self._bench(self._stage),
                f"{operation.__name__} at {self._stage}, frozen after call {at}",
            )
            frozen = FreezingTransport(bench.undecoded, at, lambda: memoized(meanwhile, bench))  # noqa: B023
            with suppress(*FAILED):
                perform(operation, bench, frozen)
            if not frozen.triggered:
                return
            outcome = self._end(bench, f"{description} while {meanwhile.__name__}")
            expected = allowed | {self._in_order(_dies(operation, at), partial(memoized, meanwhile))}
            assert outcome in expected, f"{description} while {meanwhile.__name__}: {outcome}, not one of {expected}"
            yield description

    def _in_order(self, *steps: Callable[[Bench], None]) -> Outcome:
        bench = self._bench(self._stage)
        for step in steps:
            step(bench)
        return self._end(bench, "nobody was frozen")

    def _end(self, bench: Bench, description: str) -> Outcome:
        try:
            return self._outcomes.of(bench)
        except AssertionError as error:
            raise AssertionError(f"{description}: {error}") from error


def _dies(operation: Operation, at: int) -> Callable[[Bench], None]:
    def dies(bench: Bench) -> None:
        with suppress(Killed):
            perform(operation, bench, CrashingTransport(bench.undecoded, at, after=True))

    return dies


def _orders(operation: Operation, meanwhile: Meanwhile) -> list[list[Callable[[Bench], None]]]:
    def once(bench: Bench) -> None:
        perform(operation, bench)

    others = partial(memoized, meanwhile)
    return [[others], [once, others], [others, once], [once, others, once]]


def play(kind: str, build: Build) -> int:
    """Freezes everything at one stage after each call; how often."""
    frozen, rng = FrozenHandlers(starting_state(build, kind)), random.Random(f"{SEED} {kind} {build.__name__}")
    meanwhiles = [each for each in MEANWHILE[kind] if not (each is nobody_looks and build in DECIDED_BY_LUCK)]
    pairs = itertools.product(operations_in(build, kind), meanwhiles)
    return sum(len(list(frozen.every_call(*pair))) for pair in pairs if rng.random() < SCALE)


@pytest.mark.parametrize("build", STARTING_STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_who_stood_still_for_a_day_starts_nothing_twice(
    kind: str, build: Build, pool: CheckPool, tally: Counter[str]
) -> None:
    pool.submit_all(play, ALL_STARTING_STATES)
    tally["frozen handlers"] += pool.result(play, kind, build)


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_not_look_at_the_clock_is_found(kind: str) -> None:
    frozen = FrozenHandlers(starting_state(new, kind), StaleClockBench)
    with pytest.raises(AssertionError, match="its agent is started twice"):
        list(frozen.every_call(reconciles, others_finish_it))
