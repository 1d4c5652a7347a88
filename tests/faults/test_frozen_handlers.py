"""A handler is frozen for more than a day after each of its API calls, and then resumes.

Meanwhile the run is finished, retried or deleted, and its Jobs are deleted at the end of their TTL, which frees their
names, the locks of attempts. A handler that resumes starts no agent twice.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest

from tests.faults.bench import FAILED, Bench, Outcome, StaleClockBench, StartingState
from tests.faults.call_cache import perform
from tests.faults.conftest import SCALE, SEED, RunOnState
from tests.faults.operations import Operation, deletes, reconciles, retries, submits
from tests.faults.outcome_cache import OutcomeCache
from tests.faults.snapshot import memoized
from tests.faults.starting_states import KINDS, Build, new, operations_in, starting_state, suspended, without_needs
from tests.support.crashing import CrashingTransport, Killed
from tests.support.freezing import FreezingTransport

Meanwhile = Callable[[Bench], None]


def run_finishes(bench: Bench) -> None:
    """Finish the run, and delete its Jobs at the end of their TTL."""
    bench.settle()
    bench.expire()


def a_person_retries(bench: Bench) -> None:
    """Finish the run and retry it as a person does; the retry runs when the frozen handler resumes."""
    memoized(run_finishes, bench)
    retries(bench, bench.server)
    bench.reconcile()
    bench.nodes.pods_come_up()


def a_retry_ends(bench: Bench) -> None:
    """Finish the run, retry it as a person does, and finish the retry."""
    memoized(a_person_retries, bench)
    run_finishes(bench)


def a_person_deletes_it(bench: Bench) -> None:
    """Finish the run, delete it, and repeat the request that created it."""
    memoized(run_finishes, bench)
    deletes(bench, bench.server)
    bench.server.collect()
    submits(bench, bench.server)


def functions_are_down(bench: Bench) -> None:
    """End the agents and delete their Jobs while all functions are down."""
    bench.nodes.finish_pods()
    bench.expire()


MEANWHILE: dict[str, list[Meanwhile]] = {
    "CodeRun": [run_finishes, a_person_retries, a_retry_ends, a_person_deletes_it, functions_are_down],
    "DocsRun": [run_finishes, a_person_deletes_it, functions_are_down],
}


AMBIGUOUS = (suspended, without_needs)
"""States from which an outage of a day has more than one correct outcome.

A suspended attempt that no function read counts as requeued or lost. A pod without its volumes fails after an hour
(PATIENT), which is longer than `settle` waits.
"""


class FrozenHandlers:
    """Operations on one starting state, frozen after each of their calls."""

    def __init__(self, start: StartingState, bench: type[Bench] = Bench) -> None:
        self._start, self._bench = start, bench
        self._outcomes = OutcomeCache(events=False)

    def every_call(self, operation: Operation, meanwhile: Meanwhile) -> Iterator[str]:
        """Freeze the operation after each call; yield a description of each schedule.

        Raise AssertionError if no sequential order of the operation and `meanwhile` has the same outcome.
        """
        allowed = {self._in_order(*steps) for steps in _orders(operation, meanwhile)}
        for at in itertools.count():
            bench, description = (
                self._bench(self._start),
                f"{operation.__name__} at {self._start}, frozen after call {at}",
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
        bench = self._bench(self._start)
        for step in steps:
            step(bench)
        return self._end(bench, "without a frozen handler")

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
    """Freeze each operation on one starting state after each call; return the number of schedules."""
    frozen, rng = FrozenHandlers(starting_state(build, kind)), random.Random(f"{SEED} {kind} {build.__name__}")
    meanwhiles = [each for each in MEANWHILE[kind] if not (each is functions_are_down and build in AMBIGUOUS)]
    pairs = itertools.product(operations_in(build, kind), meanwhiles)
    return sum(len(list(frozen.every_call(*pair))) for pair in pairs if rng.random() < SCALE)


def test_handler_frozen_for_a_day_starts_no_agent_twice(run_on_state: RunOnState) -> None:
    run_on_state(play, "frozen handlers")


@pytest.mark.parametrize("kind", KINDS)
def test_checker_reports_handler_that_reads_the_clock_only_once(kind: str) -> None:
    frozen = FrozenHandlers(starting_state(new, kind), StaleClockBench)
    with pytest.raises(AssertionError, match="its agent is started twice"):
        list(frozen.every_call(reconciles, run_finishes))
