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

    def of(self, bench: Bench) -> Outcome:
        """The outcome; the place is used up. Raises AssertionError where something is not as it should be."""
        assert not bench.checker.violations, "; ".join(bench.checker.violations)
        state = bench.state()
        if state not in self._known:
            self._known[state] = self._play(bench)
        return self._known[state]

    def _play(self, bench: Bench) -> Outcome:
        if self._events:
            bench.reconcile()
            bench.job_events()
            bench.report()
        bench.settle()
        bench.check()
        return bench.outcome()
