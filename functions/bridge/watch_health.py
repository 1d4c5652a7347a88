"""What one watch says of itself, so that a dead watch can be told from a quiet one, and either from a refused one.

    sign of life                                  ready                               live
    the API server answered, an error included    the first list is published and     a sign of life within
    an event, a bookmark, a watch opened or       nothing is in the way now           `dead_after`
    ended in time; while it waits for the
    queue: the queue took an event or refused it

No answer at all (a time-out, a connection refused or cut) is no sign of life. So what a restart may mend makes a
watch dead, and what only people mend (rights, missing CRDs, a queue that is down) makes it not ready.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from functions.cluster.errors import Unavailable

log = logging.getLogger("orchestrator")

Side = Literal["cluster", "queue"]


class WatchHealth:
    """Written by the threads of one watch, read by whoever asks for its health."""

    def __init__(self, plural: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._plural = plural
        self._clock = clock
        self._lock = threading.Lock()
        self._heard: dict[Side, float] = dict.fromkeys(("cluster", "queue"), clock())
        self._trouble: dict[Side, tuple[str, str]] = {}
        self._waiting_since: float | None = None
        self._listed = False
        self._published = 0

    def well(self, side: Side) -> None:
        """A sign of life; what was in the way on that side is over."""
        with self._lock:
            self._heard[side] = self._clock()
            before = self._trouble.pop(side, None)
        if before:
            log.info("watch of %s goes on after %s", self._plural, before[0])

    def trouble(self, side: Side, error: Exception) -> None:
        """Something is in the way: logged when it begins or changes, not each time it is tried again."""
        name, no_answer = type(error).__name__, isinstance(error, Unavailable)
        with self._lock:
            if not no_answer:
                self._heard[side] = self._clock()
            before, self._trouble[side] = self._trouble.get(side), (name, str(error))
        if not before or before[0] != name:
            level = logging.WARNING if no_answer else logging.ERROR
            log.log(level, "watch of %s: %s: %s; trying again", self._plural, name, error)

    def listed(self) -> None:
        """Everything there was at the start is published."""
        with self._lock:
            self._listed = True

    def published(self) -> None:
        """The queue has stored an event."""
        self.well("queue")
        with self._lock:
            self._published += 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the block runs the watch waits for the queue and does not read: its silence is the queue's."""
        with self._lock:
            self._waiting_since = since = self._clock()
        try:
            yield
        finally:
            with self._lock:
                self._waiting_since = None
                self._heard["cluster"] += self._clock() - since

    @property
    def ready(self) -> bool:
        """Whether every change reaches the queue now."""
        with self._lock:
            return self._listed and not self._trouble

    @property
    def silent(self) -> float:
        """Seconds since the last sign of life."""
        with self._lock:
            if self._waiting_since is None:
                return self._clock() - self._heard["cluster"]
            return self._clock() - max(self._heard["queue"], self._waiting_since)

    def report(self) -> Mapping[str, Any]:
        """All of it, for people."""
        with self._lock:
            trouble = {side: f"{name}: {text}" for side, (name, text) in self._trouble.items()}
            return {"listed": self._listed, "published": self._published, "trouble": trouble}
