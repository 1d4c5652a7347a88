"""Two happenings at one stage of a run's life, their API calls in a prescribed order, and what comes of it."""

import itertools
import random
from collections.abc import Iterator

from tests.faults.futures import Futures
from tests.faults.place import Outcome, Place, Stage, Wrap, unchanged
from tests.faults.stages import Happening
from tests.support.actors import Actor, in_order

Pair = tuple[Happening, Happening]
Order = tuple[int, ...]
MORE = 6
"""Calls that a function may make more than alone, because it lost a race and looks again."""
MOST = 99
"""More calls than any function makes."""


class Interleavings:
    """All that may happen at one stage."""

    def __init__(self, stage: Stage, wrap: Wrap = unchanged) -> None:
        self._stage, self._wrap = stage, wrap
        self._futures = Futures(events=True)
        self._calls: dict[Happening, int] = {}

    def calls(self, happening: Happening) -> int:
        """How many API calls it makes alone."""
        if happening not in self._calls:
            self._calls[happening] = len(in_order([_actor(Place(self._stage, self._wrap), happening)], ()))
        return self._calls[happening]

    def play(self, pair: Pair, order: Order) -> tuple[Outcome, Order]:
        """What becomes of the run when `pair` takes turns in that order, and whose turn it really was.

        Afterwards every event comes once more. Raises AssertionError where something is not as it should be.
        """
        place = Place(self._stage, self._wrap)
        taken = in_order([_actor(place, happening) for happening in pair], order)
        return self._futures.of(place), taken

    def one_after_the_other(self, pair: Pair) -> set[Outcome]:
        """What becomes of the run when one happens after the other."""
        return {self.play(pair, order)[0] for order in ((0,) * MOST, (1,) * MOST)}

    def tried(self, pair: Pair, scale: float, at_random: int, rng: random.Random) -> Iterator[tuple[Order, Outcome]]:
        """Every order with two switches, and some with more: whose turn it was, and what became of the run."""
        yield from self._two_switches(pair, scale, rng)
        for _ in range(at_random):
            if rng.random() < scale:
                order = tuple(rng.choices((0, 1), k=sum(map(self.calls, pair))))
                yield self._told(pair, order)

    def _two_switches(self, pair: Pair, scale: float, rng: random.Random) -> Iterator[tuple[Order, Outcome]]:
        """One makes `i` calls, the other `j`, then the first the rest of its own, then the other."""
        for one in (0,) if pair[0] is pair[1] else (0, 1):
            its, others = self.calls(pair[one]), self.calls(pair[1 - one]) + MORE
            for i, j in itertools.product(range(1, its), range(1, others)):
                if rng.random() < scale:
                    yield self._told(pair, (one,) * i + (1 - one,) * j + (one,) * MOST)

    def _told(self, pair: Pair, order: Order) -> tuple[Order, Outcome]:
        try:
            outcome, taken = self.play(pair, order)
        except Exception as error:
            names = " and ".join(happening.__name__ for happening in pair)
            short = "".join(map(str, order)).rstrip(str(order[-1])) + str(order[-1])
            raise AssertionError(f"at {self._stage.name}: {names} in the order {short}: {error}") from error
        return taken, outcome


def _actor(place: Place, happening: Happening) -> Actor:
    return Actor(place.server, lambda transport: happening(place, transport))
