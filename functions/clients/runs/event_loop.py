"""Threads that read, and the one queue of what they read: the main thread alone writes, and waits nowhere else.

So an interrupt ends a live view at once, whatever its readers wait for; they end with the process.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from functions.clients.errors import CommandError
from functions.clients.runs.changes import Change
from functions.clients.runs.logs import Line
from functions.clients.runs.target import ClusterTarget, explain
from functions.cluster.errors import ClusterError


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """A reader has ended, by itself or because of an error."""

    error: CommandError | None = None


@dataclass(frozen=True, slots=True)
class Timeout:
    """Nothing was read for a while."""


ViewEvent = Change | Line | SourceEnded | Timeout


class EventMerger:
    """Hears what readers of a place read, in the order they read it."""

    def __init__(self, target: ClusterTarget) -> None:
        self._target = target
        self._events: queue.Queue[tuple[str, ViewEvent]] = queue.Queue()

    def add_source(self, source: str, read: Callable[[], Iterable[Change | Line]]) -> None:
        """Reads in a thread of its own until there is no more, or an error."""
        threading.Thread(target=self._read, args=(source, read), daemon=True).start()

    def next_event(self, seconds: float) -> tuple[str, ViewEvent]:
        """Source and what was read next; Silence after so many seconds."""
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
