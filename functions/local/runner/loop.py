"""What the runner's one thread does: takes what the watches and processes tell, and syncs each Job that is due.

A Job that fails to sync is tried again later, and holds up no other.
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
from functions.local.runner.objects import Objects
from functions.local.runner.records import Records

log = logging.getLogger("orchestrator")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds before a failed sync is repeated, doubled from the first to the longest."""


@dataclass(frozen=True)
class Seen:
    """A watch tells of an object of this kind."""

    kind: str
    event: Event


@dataclass(frozen=True)
class Wake:
    """A Job is to be looked at, so many seconds from now."""

    job_uid: str
    seconds: float


STOP: Final = None


class Inbox:
    """What the loop is told, from any thread; a `Publisher` to the watches."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Seen | Wake | None] = queue.SimpleQueue()
        self.get = self._items.get

    def publish(self, topic: str, event: Event) -> None:
        """Takes an event of a watch, whose topic is the object's kind."""
        self._items.put(Seen(topic, event))

    def wake(self, job_uid: str, seconds: float) -> None:
        """Asks for a look at a Job."""
        self._items.put(Wake(job_uid, seconds))

    def stop(self) -> None:
        """Ends the loop."""
        self._items.put(STOP)


class Loop:
    """Runs until the inbox says stop; `sync` looks at one Job."""

    def __init__(self, inbox: Inbox, objects: Objects, records: Records, sync: Callable[[str], None]) -> None:
        self._inbox = inbox
        self._objects = objects
        self._records = records
        self._sync = sync
        self._due: dict[str, float] = {}
        self._pauses: dict[str, float] = {}

    def run(self) -> None:
        """Syncs Jobs as they become due."""
        for record in self._records:  # also those whose Job was deleted while nobody watched
            self._wake(Wake(record.job_uid, 0))
        while self._take():
            now = time.monotonic()
            for job_uid in [uid for uid, when in self._due.items() if when <= now]:
                del self._due[job_uid]
                self._try(job_uid)

    def _take(self) -> bool:
        """Waits for what comes next; False at the end."""
        wait = max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None
        try:
            item = self._inbox.get(timeout=wait)
        except queue.Empty:
            return True
        match item:
            case Wake():
                self._wake(item)
            case Seen():
                self._notice(item)
        return item is not STOP

    def _notice(self, seen: Seen) -> None:
        found = seen.event.data
        self._objects.notice(seen.kind, found, gone=seen.event.type.endswith("delete"))
        uid = found["metadata"]["uid"]
        record = self._records.of_pod(uid) if seen.kind == POD.name else None
        if record or seen.kind != POD.name:
            self._wake(Wake(record.job_uid if record else uid, 0))

    def _wake(self, wake: Wake) -> None:
        when = time.monotonic() + wake.seconds
        self._due[wake.job_uid] = min(when, self._due.get(wake.job_uid, when))

    def _try(self, job_uid: str) -> None:
        try:
            self._sync(job_uid)
            self._pauses.pop(job_uid, None)
        except Exception as error:  # the outermost edge: one Job must not stop the others
            pause = self._pauses[job_uid] = min(self._pauses.get(job_uid, FIRST_PAUSE / 2) * 2, LONGEST_PAUSE)
            log.warning(
                "Job %s: %s; again in %g s", job_uid, error, pause, exc_info=not isinstance(error, ClusterError)
            )
            self._wake(Wake(job_uid, pause))
