"""The loop of the runner's thread: receives events of watches and processes, and syncs each Job that is due.

A failed sync is retried with back-off and does not delay other Jobs.
"""

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from functions.cluster.errors import ClusterError
from functions.cluster.kinds import POD
from functions.events.event import Event
from functions.local.runner.object_cache import ObjectCache
from functions.local.runner.records import Records

log = logging.getLogger("orchestrator")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds before a failed sync is retried, doubled from the first to the longest."""


@dataclass(frozen=True)
class WatchEvent:
    """An event of a watch on this kind."""

    kind: str
    event: Event


@dataclass(frozen=True)
class Wake:
    """A request to sync a Job after this many seconds."""

    job_uid: str
    seconds: float


STOP: Final = None


class Inbox:
    """The messages to the loop, from any thread; the `Publisher` of the watches."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[WatchEvent | Wake | None] = queue.SimpleQueue()
        self.get = self._items.get

    def publish(self, topic: str, event: Event) -> None:
        """Add an event of a watch; the topic is the object's kind."""
        self._items.put(WatchEvent(topic, event))

    def wake(self, job_uid: str, seconds: float) -> None:
        """Request a sync of a Job."""
        self._items.put(Wake(job_uid, seconds))

    def stop(self) -> None:
        """End the loop."""
        self._items.put(STOP)


class Loop:
    """Runs until the inbox is stopped; `sync` handles one Job."""

    def __init__(self, inbox: Inbox, objects: ObjectCache, records: Records, sync: Callable[[str], None]) -> None:
        self._inbox = inbox
        self._objects = objects
        self._records = records
        self._sync = sync
        self._due: dict[str, float] = {}
        self._pauses: dict[str, float] = {}

    def run(self) -> None:
        """Sync Jobs as they become due."""
        for record in self._records:  # includes Jobs deleted while no watch was open
            self._wake(Wake(record.job_uid, 0))
        while self._receive():
            now = time.monotonic()
            for job_uid in [uid for uid, due in self._due.items() if due <= now]:
                del self._due[job_uid]
                self._sync_with_backoff(job_uid)

    def _receive(self) -> bool:
        """Wait for the next message or due Job; return False at the end."""
        wait = max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None
        try:
            item = self._inbox.get(timeout=wait)
        except queue.Empty:
            return True
        match item:
            case Wake():
                self._wake(item)
            case WatchEvent():
                self._observe(item)
        return item is not STOP

    def _observe(self, change: WatchEvent) -> None:
        item = change.event.data
        self._objects.observe(change.kind, item, deleted=change.event.type.endswith("delete"))
        uid = item["metadata"]["uid"]
        record = self._records.of_pod(uid) if change.kind == POD.name else None
        if record or change.kind != POD.name:
            self._wake(Wake(record.job_uid if record else uid, 0))

    def _wake(self, wake: Wake) -> None:
        due = time.monotonic() + wake.seconds
        self._due[wake.job_uid] = min(due, self._due.get(wake.job_uid, due))

    def _sync_with_backoff(self, job_uid: str) -> None:
        try:
            self._sync(job_uid)
            self._pauses.pop(job_uid, None)
        except Exception as error:  # the loop's boundary: one Job must not stop the others
            pause = self._pauses[job_uid] = min(self._pauses.get(job_uid, FIRST_PAUSE / 2) * 2, LONGEST_PAUSE)
            log.warning(
                "Job %s: %s; retrying in %g s", job_uid, error, pause, exc_info=not isinstance(error, ClusterError)
            )
            self._wake(Wake(job_uid, pause))
