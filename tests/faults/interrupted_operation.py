"""One happening at one stage of a run's life, with a call of it that goes wrong, and what comes of it."""

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
    """A transport of which a call goes wrong."""

    @property
    def triggered(self) -> bool:
        """Whether that call was made."""
        ...


Breaks = Callable[[Transport, int], InterruptingTransport]


class InterruptedOperations:
    """All that may happen at one stage, with a call of it that goes wrong."""

    def __init__(self, stage: StartingState) -> None:
        self._stage = stage
        self._outcomes = OutcomeCache(events=False)
        self._known: dict[tuple[Operation, ...], Outcome] = {}

    def every_call(
        self, operation: Operation, breaks: Breaks, chosen: Callable[[], bool], later: float = 0
    ) -> Iterator[str]:
        """Breaks each chosen call once; then, `later` minutes after it, it happens again, or only the sweep comes.

        What was tried, in words. Raises AssertionError where the run ends in another way than if the call had gone
        well.
        """
        expected = {self._outcome(operation), self._outcome(operation, operation)}
        for again in (True, False):
            allowed = expected if again else expected | {self._outcome()}  # a person may have been refused
            for at in itertools.count():
                if chosen():
                    description = f"{operation.__name__} at {self._stage}, call {at}, again={again}"
                    outcome = self._broken(operation, breaks, at, later, again=again, description=description)
                    if outcome is None:
                        break
                    assert outcome in allowed, f"{description}: {outcome}, not one of {allowed}"
                    yield description

    def _outcome(self, *operations: Operation) -> Outcome:
        if operations not in self._known:
            bench = Bench(self._stage)
            for operation in operations:
                perform(operation, bench)
            self._known[operations] = self._outcomes.of(bench)
        return self._known[operations]

    def _broken(
        self, operation: Operation, breaks: Breaks, at: int, later: float, *, again: bool, description: str
    ) -> Outcome | None:
        """What becomes of the run; None where there is no such call."""
        bench = Bench(self._stage)
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
