"""One operation on one starting state with one failing call, and its outcome."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

from functions.cluster.transport import Transport
from tests.faults.bench import FAILED, Bench, Outcome, StartingState
from tests.faults.call_cache import perform
from tests.faults.operations import Operation
from tests.faults.outcome_cache import OutcomeCache
from tests.support.crashing import Killed


class InterruptingTransport(Transport, Protocol):
    """A transport with one failing call."""

    @property
    def triggered(self) -> bool:
        """Return whether that call was made."""
        ...


Breaks = Callable[[Transport, int], InterruptingTransport]


class InterruptedOperations:
    """Operations on one starting state, each with one failing call."""

    def __init__(self, start: StartingState) -> None:
        self._start = start
        self._outcomes = OutcomeCache(events=False)
        self._known: dict[tuple[Operation, ...], Outcome] = {}

    def every_call(
        self, operation: Operation, breaks: Breaks, chosen: Callable[[], bool], later: float = 0
    ) -> Iterator[str]:
        """Let each chosen call fail once; `later` minutes after it, repeat the operation or run only the sweep.

        Yield a description of each schedule. Raise AssertionError if the outcome differs from that of a successful
        call.
        """
        expected = {self._outcome(operation), self._outcome(operation, operation)}
        for again in (True, False):
            allowed = expected if again else expected | {self._outcome()}  # a person's request may have been rejected
            for at in itertools.count():
                if chosen():
                    description = f"{operation.__name__} at {self._start}, call {at}, again={again}"
                    outcome = self._broken(operation, breaks, at, later, again=again, description=description)
                    if outcome is None:
                        break
                    assert outcome in allowed, f"{description}: {outcome}, not one of {allowed}"
                    yield description

    def _outcome(self, *operations: Operation) -> Outcome:
        if operations not in self._known:
            bench = Bench(self._start)
            for operation in operations:
                perform(operation, bench)
            self._known[operations] = self._outcomes.of(bench)
        return self._known[operations]

    def _broken(
        self, operation: Operation, breaks: Breaks, at: int, later: float, *, again: bool, description: str
    ) -> Outcome | None:
        """Return the outcome; None if the operation makes fewer calls."""
        bench = Bench(self._start)
        fatal = breaks(bench.undecoded, at)
        with suppress(*FAILED, Killed):
            perform(operation, bench, fatal)
        if not fatal.triggered:
            return None
        bench.harness.later(minutes=later)
        if again:
            perform(operation, bench)
        try:
            return self._outcomes.of(bench)
        except AssertionError as error:
            raise AssertionError(f"{description}: {error}") from error
