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
    def struck(self) -> bool:
        """Whether that call was made."""
        ...


Breaks = Callable[[Transport, int], InterruptingTransport]


class InterruptedOperations:
    """All that may happen at one stage, with a call of it that goes wrong."""

    def __init__(self, stage: StartingState) -> None:
        self._stage = stage
        self._futures = OutcomeCache(events=False)
        self._known: dict[tuple[Operation, ...], Outcome] = {}

    def every_call(
        self, happening: Operation, breaks: Breaks, chosen: Callable[[], bool], later: float = 0
    ) -> Iterator[str]:
        """Breaks each chosen call once; then, `later` minutes after it, it happens again, or only the sweep comes.

        What was tried, in words. Raises AssertionError where the run ends in another way than if the call had gone
        well.
        """
        expected = {self._outcome(happening), self._outcome(happening, happening)}
        for again in (True, False):
            allowed = expected if again else expected | {self._outcome()}  # a person may have been refused
            for at in itertools.count():
                if chosen():
                    told = f"{happening.__name__} at {self._stage}, call {at}, again={again}"
                    outcome = self._broken(happening, breaks, at, later, again=again, told=told)
                    if outcome is None:
                        break
                    assert outcome in allowed, f"{told}: {outcome}, not one of {allowed}"
                    yield told

    def _outcome(self, *happenings: Operation) -> Outcome:
        if happenings not in self._known:
            place = Bench(self._stage)
            for happening in happenings:
                perform(happening, place)
            self._known[happenings] = self._futures.of(place)
        return self._known[happenings]

    def _broken(
        self, happening: Operation, breaks: Breaks, at: int, later: float, *, again: bool, told: str
    ) -> Outcome | None:
        """What becomes of the run; None where there is no such call."""
        place = Bench(self._stage)
        fatal = breaks(place.undecoded, at)
        with suppress(*FAILED, Killed):
            perform(happening, place, fatal)
        if not fatal.struck:
            return None
        place.world.later(minutes=later)
        if again:
            perform(happening, place)
        try:
            return self._futures.of(place)
        except AssertionError as error:
            raise AssertionError(f"{told}: {error}") from error
