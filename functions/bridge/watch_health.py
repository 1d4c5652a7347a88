"""The health of one watch, which distinguishes a dead watch, a quiet one and a rejected one.

    sign of life                                  ready                               live
    the API server answered, an error included    the first list is published and     a sign of life within
    an event, a bookmark, a watch opened or       nothing fails now                   `dead_after`
    ended in time; while it waits for the
    queue: the queue took an event or rejected it

No answer at all (a time-out, a connection refused or cut) is not a sign of life. A failure that a restart may fix
therefore makes a watch dead. One that only people can fix (rights, missing CRDs, a queue that is down) makes it not
ready.
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
    """Written by the threads of one watch, read by the health server."""

    def __init__(self, plural: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._plural = plural
        self._clock = clock
        self._lock = threading.Lock()
        self._contact: dict[Side, float] = dict.fromkeys(("cluster", "queue"), clock())
        self._failing: dict[Side, tuple[str, str]] = {}
        self._waiting_since: float | None = None
        self._synced = False
        self._published = 0

    def ok(self, side: Side) -> None:
        """Record a sign of life, which ends a failure of that side."""
        with self._lock:
            self._contact[side] = self._clock()
            before = self._failing.pop(side, None)
        if before:
            log.info("watch of %s continues after %s", self._plural, before[0])

    def failed(self, side: Side, error: Exception) -> None:
        """Record a failure; log it when it begins or changes, not at each retry."""
        name, no_answer = type(error).__name__, isinstance(error, Unavailable)
        with self._lock:
            if not no_answer:
                self._contact[side] = self._clock()
            before, self._failing[side] = self._failing.get(side), (name, str(error))
        if not before or before[0] != name:
            level = logging.WARNING if no_answer else logging.ERROR
            log.log(level, "watch of %s: %s: %s; trying again", self._plural, name, error)

    def synced(self) -> None:
        """Record that every object of the first list is published."""
        with self._lock:
            self._synced = True

    def published(self) -> None:
        """Record that the queue has stored an event."""
        self.ok("queue")
        with self._lock:
            self._published += 1

    @contextmanager
    def waiting_for_queue(self) -> Iterator[None]:
        """Count silence as the queue's while the block runs: the watch does not read."""
        with self._lock:
            self._waiting_since = since = self._clock()
        try:
            yield
        finally:
            with self._lock:
                self._waiting_since = None
                self._contact["cluster"] += self._clock() - since

    @property
    def ready(self) -> bool:
        """Whether every change reaches the queue now."""
        with self._lock:
            return self._synced and not self._failing

    @property
    def seconds_since_contact(self) -> float:
        """Seconds since the last sign of life."""
        with self._lock:
            if self._waiting_since is None:
                return self._clock() - self._contact["cluster"]
            return self._clock() - max(self._contact["queue"], self._waiting_since)

    def report(self) -> Mapping[str, Any]:
        """Return what the health endpoint shows: listed, published, trouble."""
        with self._lock:
            trouble = {side: f"{name}: {text}" for side, (name, text) in self._failing.items()}
            return {"listed": self._synced, "published": self._published, "trouble": trouble}
