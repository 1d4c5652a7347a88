"""What a pass did for runs that events should have moved, and why: counted, and told in one line a run."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from functions.reconciler.reconciler import ActionTaken
from functions.telemetry.metrics import REPAIRS

log = logging.getLogger("orchestrator")


class RepairLog:
    """What was done so far; `counts` is how often each was, by action and by the reason the run shows with it."""

    def __init__(self) -> None:
        self.counts: Counter[ActionTaken] = Counter()

    @property
    def by_action(self) -> dict[str, int]:
        """How often each action was taken."""
        found: Counter[str] = Counter()
        for taken, count in self.counts.items():
            found[taken.action] += count
        return dict(sorted(found.items()))

    @contextmanager
    def run(self, key: str) -> Iterator[list[ActionTaken]]:
        """A list to add to what is done for one run, while it is done."""
        taken: list[ActionTaken] = []
        try:
            yield taken
        finally:
            self.counts.update(taken)
            for each in taken:
                REPAIRS.add(action=each.action, reason=each.reason)
            if taken:
                words = ", ".join(f"{each.action} ({each.reason})" for each in taken)
                log.info("healed: %s", words, extra={"run": key, "reason": taken[-1].reason})
