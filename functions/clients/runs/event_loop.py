"""Merge several sources, each read in its own thread, into one queue.

The main thread waits on the queue only, so an interrupt ends a live view at once. Reader threads are daemons.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from functions.clients.errors import CommandError
from functions.clients.runs.logs import Line
from functions.clients.runs.run_changes import Change
from functions.clients.runs.target import ClusterTarget, explain
from functions.cluster.errors import ClusterError


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """A source has ended, with an error if it failed."""

    error: CommandError | None = None


@dataclass(frozen=True, slots=True)
class Timeout:
    """No event arrived in time."""


ViewEvent = Change | Line | SourceEnded | Timeout


class EventMerger:
    """Merges the events of several sources in order of arrival."""

    def __init__(self, target: ClusterTarget) -> None:
        self._target = target
        self._events: queue.Queue[tuple[str, ViewEvent]] = queue.Queue()

    def add_source(self, source: str, read: Callable[[], Iterable[Change | Line]]) -> None:
        """Read a source in a thread until it ends or fails."""
        threading.Thread(target=self._read, args=(source, read), daemon=True).start()

    def next_event(self, seconds: float) -> tuple[str, ViewEvent]:
        """Return the next event with its source; Timeout after so many seconds."""
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return "", Timeout()

    def _read(self, source: str, read: Callable[[], Iterable[Change | Line]]) -> None:
        error: CommandError | None = None
        try:
            for item in read():
                self._events.put((source, item))
        except ClusterError as failure:
            error = explain(failure, self._target.namespace)
        except CommandError as failure:
            error = failure
        self._events.put((source, SourceEnded(error)))
