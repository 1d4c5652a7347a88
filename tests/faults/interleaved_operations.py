"""Two concurrent operations on one starting state, with their API calls in a given order, and the outcome."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from functions.settings.model import Settings
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
    """An operation, performed by the bench's own functions or by another revision of them."""

    operation: Operation
    revision: Revision | None = None

    def __str__(self) -> str:
        return self.operation.__name__ + (f" ({self.revision.name})" if self.revision else "")

    def at(self, bench: Bench) -> SteppedOperation:
        """Return the operation on that bench, to be performed call by call."""
        by = self.revision
        return SteppedOperation(self.operation, bench.with_revision(by.settings, by.wrap) if by else bench)


Pair = tuple[ScheduledOperation, ScheduledOperation]


class Interleavings:
    """Pairs of concurrent operations on one starting state.

    After a pair every event is redelivered once; then only the sweep runs.
    """

    def __init__(self, start: StartingState, wrap: Wrap = unchanged) -> None:
        self._start, self._wrap = start, wrap
        self._outcomes = OutcomeCache(events=True)

    def play(self, pair: Pair, order: Order) -> tuple[Outcome, Order]:
        """Return the outcome of the pair in that order of calls, and the order that was possible.

        Raise AssertionError if an invariant or a final check fails.
        """
        bench = Bench(self._start, self._wrap)
        taken = in_order([act.at(bench) for act in pair], order)
        return self._outcomes.of(bench), taken

    def one_after_the_other(self, pair: Pair) -> set[Outcome]:
        """Return the outcomes of the pair without concurrency, in either order."""
        return {self._played(pair, order)[1] for order in ((0,) * MOST, (1,) * MOST)}

    def tried(self, pair: Pair, at_random: int, rng: random.Random) -> Iterator[tuple[Order, Outcome]]:
        """Yield order and outcome for every order with two switches and for `at_random` random orders."""
        longest = 0
        for one in (0,) if pair[0] == pair[1] else (0, 1):
            for taken, outcome in self._two_switches(pair, one):
                longest = max(longest, len(taken))
                yield taken, outcome
        for _ in range(at_random if longest else 0):
            yield self._played(pair, tuple(rng.choices((0, 1), k=longest)))

    def _two_switches(self, pair: Pair, one: int) -> Iterator[tuple[Order, Outcome]]:
        """Yield the orders in which one makes `i` calls, the other `j`, then each makes its remaining calls."""
        other = 1 - one
        for i in range(1, MOST):
            for j in range(1, MOST):
                taken, outcome = self._played(pair, (one,) * i + (other,) * j + (one,) * MOST)
                if taken[:i] != (one,) * i or one not in taken[i:]:
                    return  # the first ended within its `i` calls: the other cannot interrupt it
                if taken[i : i + j] != (other,) * j:
                    break  # the other makes fewer calls: the same order as before
                yield taken, outcome

    def _played(self, pair: Pair, order: Order) -> tuple[Order, Outcome]:
        try:
            outcome, taken = self.play(pair, order)
        except Exception as error:
            names = " and ".join(map(str, pair))
            short = "".join(map(str, order)).rstrip(str(order[-1])) + str(order[-1])
            raise AssertionError(f"at {self._start}: {names} in the order {short}: {error}") from error
        return taken, outcome


def differing(interleavings: Interleavings, pair: Pair, at_random: int, rng: random.Random) -> tuple[int, str]:
    """Return the number of orders tried, and a message on the first whose outcome no sequential order has.

    Raise AssertionError if an invariant or a final check fails.
    """
    expected = interleavings.one_after_the_other(pair)
    tried = dict(interleavings.tried(pair, at_random, rng))
    names = " and ".join(map(str, pair))
    for order, outcome in tried.items():
        if outcome not in expected:
            return len(tried), f"{names} in the order {order}: {outcome}, not one of {expected}"
    return len(tried), ""
