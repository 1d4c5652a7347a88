"""Two happenings at one stage of a run's life, their API calls in a prescribed order, and what comes of it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from functions.settings import Settings
from tests.faults.bench import Bench, Outcome, StartingState, Wrap, unchanged
from tests.faults.call_cache import SteppedOperation
from tests.faults.operations import Operation
from tests.faults.outcome_cache import OutcomeCache
from tests.support.actors import in_order

Order = tuple[int, ...]
MOST = 99
"""More calls than any function makes."""


@dataclass(frozen=True)
class Revision:
    """One revision of the functions, with its configuration."""

    name: str
    settings: Settings
    wrap: Wrap = unchanged


@dataclass(frozen=True)
class ScheduledOperation:
    """A happening, as the functions at the place do it, or as another revision does."""

    operation: Operation
    revision: Revision | None = None

    def __str__(self) -> str:
        return self.operation.__name__ + (f" ({self.revision.name})" if self.revision else "")

    def at(self, bench: Bench) -> SteppedOperation:
        """Makes it happen at the place, call by call."""
        by = self.revision
        return SteppedOperation(self.operation, bench.with_revision(by.settings, by.wrap) if by else bench)


Pair = tuple[ScheduledOperation, ScheduledOperation]


class Interleavings:
    """All that two may do at once at one stage; afterwards every event comes once more, then only the sweep."""

    def __init__(self, stage: StartingState, wrap: Wrap = unchanged) -> None:
        self._stage, self._wrap = stage, wrap
        self._outcomes = OutcomeCache(events=True)

    def play(self, pair: Pair, order: Order) -> tuple[Outcome, Order]:
        """What becomes of the run when the pair takes turns in that order, and whose turn it really was.

        Raises AssertionError where something is not as it should be.
        """
        bench = Bench(self._stage, self._wrap)
        taken = in_order([act.at(bench) for act in pair], order)
        return self._outcomes.of(bench), taken

    def one_after_the_other(self, pair: Pair) -> set[Outcome]:
        """What becomes of the run when one happens after the other."""
        return {self._told(pair, order)[1] for order in ((0,) * MOST, (1,) * MOST)}

    def tried(self, pair: Pair, at_random: int, rng: random.Random) -> Iterator[tuple[Order, Outcome]]:
        """Every order with two switches, and some with more: whose turn it was, and what became of the run."""
        longest = 0
        for one in (0,) if pair[0] == pair[1] else (0, 1):
            for taken, outcome in self._two_switches(pair, one):
                longest = max(longest, len(taken))
                yield taken, outcome
        for _ in range(at_random if longest else 0):
            yield self._told(pair, tuple(rng.choices((0, 1), k=longest)))

    def _two_switches(self, pair: Pair, one: int) -> Iterator[tuple[Order, Outcome]]:
        """One makes `i` calls, the other `j`, then the first the rest of its own, then the other."""
        other = 1 - one
        for i in range(1, MOST):
            for j in range(1, MOST):
                taken, outcome = self._told(pair, (one,) * i + (other,) * j + (one,) * MOST)
                if taken[:i] != (one,) * i or one not in taken[i:]:
                    return  # the first ended before its `i` calls, or with them: there is nothing to come between
                if taken[i : i + j] != (other,) * j:
                    break  # the other makes fewer calls: the same order as before
                yield taken, outcome

    def _told(self, pair: Pair, order: Order) -> tuple[Order, Outcome]:
        try:
            outcome, taken = self.play(pair, order)
        except Exception as error:
            names = " and ".join(map(str, pair))
            short = "".join(map(str, order)).rstrip(str(order[-1])) + str(order[-1])
            raise AssertionError(f"at {self._stage}: {names} in the order {short}: {error}") from error
        return taken, outcome


def differing(interleavings: Interleavings, pair: Pair, at_random: int, rng: random.Random) -> tuple[int, str]:
    """How many orders of the pair were tried, and of the first that ends as neither order of the whole: what it is.

    Raises AssertionError where something is seen on the way that must never be.
    """
    expected = interleavings.one_after_the_other(pair)
    tried = dict(interleavings.tried(pair, at_random, rng))
    names = " and ".join(map(str, pair))
    for order, outcome in tried.items():
        if outcome not in expected:
            return len(tried), f"{names} in the order {order}: {outcome}, not one of {expected}"
    return len(tried), ""
