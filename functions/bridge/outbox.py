"""Between a watch and the queue, in memory: a few events are published at once, each until the queue has stored it.

A queue on a network takes tens of milliseconds for an event and accepts many at once. The order of events does not
matter, because they are hints. While every worker is busy, `put` waits: the watch stops reading, TCP makes the API
server stop sending, and the bridge's memory stays bounded however slow the queue is.
"""

import threading
from collections import deque

from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_when_event_set, wait_exponential

from functions.bridge.watch_health import WatchHealth
from functions.cluster.reflector import Backoff
from functions.events.event import Event
from functions.queues.publisher import Publisher, PublishError

WORKERS = 4
"""Events published at once; the publisher keeps connections for two watches of so many."""


class Outbox:
    """The events of one watch that the queue has not stored yet: at most `workers`."""

    def __init__(
        self, publisher: Publisher, topic: str, health: WatchHealth, backoff: Backoff, workers: int = WORKERS
    ) -> None:
        self._publisher, self._topic, self._health = publisher, topic, health
        self._workers = workers
        self._changed = threading.Condition()
        self._queued: deque[Event] = deque()
        self._unfinished = 0
        self._given_up = 0
        self._closing = threading.Event()
        self._retrying = Retrying(
            retry=retry_if_exception_type(PublishError),
            wait=wait_exponential(multiplier=backoff.first, max=backoff.longest),
            sleep=sleep_using_event(self._closing),
            stop=stop_when_event_set(self._closing),
            reraise=True,
        )

    def start(self) -> None:
        """Start the workers."""
        for number in range(self._workers):
            threading.Thread(target=self._work, name=f"outbox-{self._topic}-{number}", daemon=True).start()

    def put(self, event: Event) -> None:
        """Hand the event to a worker, waiting for a free one; drop it if the outbox is closing."""
        with self._health.waiting_for_queue(), self._changed:
            self._changed.wait_for(lambda: self._closing.is_set() or self._unfinished < self._workers)
            if not self._closing.is_set():
                self._queued.append(event)
                self._unfinished += 1
                self._changed.notify_all()

    def wait_until_stored(self) -> bool:
        """Wait until the queue has stored everything; return False if the outbox was closed first."""
        with self._health.waiting_for_queue(), self._changed:
            self._changed.wait_for(lambda: self._closing.is_set() or not self._unfinished)
            return not (self._unfinished or self._given_up)

    def close(self) -> None:
        """Accept no more events; each accepted one is tried at most once more."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()

    def wait_closed(self, seconds: float) -> bool:
        """Wait at most so long for the accepted events; return whether all of them were stored."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._unfinished, seconds) and not self._given_up

    def _work(self) -> None:
        while (event := self._take()) is not None:
            stored = self._deliver(event)
            with self._changed:
                self._unfinished -= 1
                self._given_up += not stored
                self._changed.notify_all()

    def _take(self) -> Event | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queued or self._closing.is_set())
            return self._queued.popleft() if self._queued else None

    def _deliver(self, event: Event) -> bool:
        """Retry until the event is stored; return False if closing ends that: the next bridge lists it again."""
        try:
            self._retrying(self._publish, event)
        except PublishError:
            return False
        return True

    def _publish(self, event: Event) -> None:
        try:
            self._publisher.publish(self._topic, event)
        except PublishError as error:
            self._health.failed("queue", error)
            raise
        self._health.published()
