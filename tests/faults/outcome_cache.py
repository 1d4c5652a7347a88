"""What comes of a place once nothing happens to it any more: most schedules lead to one of a few states, and playing
each state's future once is what makes thousands of schedules affordable.
"""

from typing import Any

from tests.faults.bench import Bench, Outcome


class OutcomeCache:
    """What becomes of a place once nobody but kubelet, clock and sweep does anything; with `events`, every event
    comes once more before. Two places in the same state have one future, which is played once.
    """

    def __init__(self, *, events: bool) -> None:
        self._events = events
        self._known: dict[Any, Outcome] = {}

    def of(self, place: Bench) -> Outcome:
        """The outcome; the place is used up. Raises AssertionError where something is not as it should be."""
        assert not place.witness.violations, "; ".join(place.witness.violations)
        state = place.state()
        if state not in self._known:
            self._known[state] = self._play(place)
        return self._known[state]

    def _play(self, place: Bench) -> Outcome:
        if self._events:
            place.reconcile()
            place.job_events()
            place.report()
        place.settle()
        place.check()
        return place.outcome()
