"""The outcome of each state, computed once.

Most schedules lead to one of a few states, so that thousands of schedules need few outcomes.
"""

from typing import Any

from tests.faults.bench import Bench, Outcome


class OutcomeCache:
    """Outcomes of benches on which only kubelet, clock and sweep still act.

    With `events`, every event is redelivered once before. Two benches in the same state share one outcome.
    """

    def __init__(self, *, events: bool) -> None:
        self._events = events
        self._known: dict[Any, Outcome] = {}

    def of(self, bench: Bench) -> Outcome:
        """Return the outcome; the bench cannot be used afterwards.

        Raise AssertionError if an invariant or a final check fails.
        """
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
