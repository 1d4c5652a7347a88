"""Repairs of runs whose events were lost, with the cause: one log line for each run, and counts."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from functions.reconciler.reconciler import ActionTaken
from functions.telemetry.metrics import REPAIRS

log = logging.getLogger("orchestrator")


class RepairLog:
    """The actions of a pass; `counts` says how often each was taken, with the reason that the run shows with it."""

    def __init__(self) -> None:
        self.counts: Counter[ActionTaken] = Counter()

    @property
    def by_action(self) -> dict[str, int]:
        """How often each action was taken, by its name."""
        totals: Counter[str] = Counter()
        for action, count in self.counts.items():
            totals[action.action] += count
        return dict(sorted(totals.items()))

    @contextmanager
    def record(self, key: str) -> Iterator[list[ActionTaken]]:
        """Yield a list for the actions taken on the run `key` (namespace/name); count them at the end of the block."""
        taken: list[ActionTaken] = []
        try:
            yield taken
        finally:
            self.counts.update(taken)
            for action in taken:
                REPAIRS.add(action=action.action, reason=action.reason)
            if taken:
                text = ", ".join(f"{action.action} ({action.reason})" for action in taken)
                log.info("healed: %s", text, extra={"run": key, "reason": taken[-1].reason})
