"""Between a watch and the queue: a few events in hand at once, each tried until the queue has stored it.

A queue on a network takes tens of milliseconds for an event and many at once, so a few are on their way together;
their order does not matter, because events are hints. When the hands are full, `put` waits: the watch stops reading,
TCP makes the API server stop sending, and the bridge's memory stays as it is however slow the queue is.
"""

import threading
from collections import deque

from functions.bridge.timing import Timing
from functions.bridge.watch_health import WatchHealth
from functions.events.event import Event
from functions.queues.publisher import Publisher, PublishError

WORKERS = 4
"""Events on their way at once; the publisher keeps connections for two watches of so many."""


class Outbox:
    """The events of one watch that the queue has not stored yet: at most `hands`."""

    def __init__(
        self, publisher: Publisher, topic: str, pulse: WatchHealth, timing: Timing, hands: int = WORKERS
    ) -> None:
        self._publisher = publisher
        self._topic = topic
        self._pulse = pulse
        self._timing = timing
        self._hands = hands
        self._changed = threading.Condition()
        self._next: deque[Event] = deque()
        self._in_hand = 0
        self._given_up = 0
        self._closing = threading.Event()

    def start(self) -> None:
        """Starts publishing."""
        for number in range(self._hands):
            threading.Thread(target=self._work, name=f"outbox-{self._topic}-{number}", daemon=True).start()

    def put(self, event: Event) -> None:
        """Returns once a hand is free for the event; without taking it when closing."""
        with self._pulse.waiting(), self._changed:
            self._changed.wait_for(lambda: self._closing.is_set() or self._in_hand < self._hands)
            if not self._closing.is_set():
                self._next.append(event)
                self._in_hand += 1
                self._changed.notify_all()

    def settle(self) -> bool:
        """Waits until the queue has stored everything; whether it has, or closing came first."""
        with self._pulse.waiting(), self._changed:
            self._changed.wait_for(lambda: self._closing.is_set() or not self._in_hand)
            return not (self._in_hand or self._given_up)

    def close(self) -> None:
        """Takes nothing more; what is in hand is tried once more at most."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()

    def closed(self, seconds: float) -> bool:
        """Waits for what is in hand, at most so long; whether all of it was stored."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_hand, seconds) and not self._given_up

    def _work(self) -> None:
        while (event := self._take()) is not None:
            stored = self._deliver(event)
            with self._changed:
                self._in_hand -= 1
                self._given_up += not stored
                self._changed.notify_all()

    def _take(self) -> Event | None:
        with self._changed:
            self._changed.wait_for(lambda: self._next or self._closing.is_set())
            return self._next.popleft() if self._next else None

    def _deliver(self, event: Event) -> bool:
        """Tries until the event is stored; False when closing ends that: the next bridge lists, and tells of it."""
        pause = self._timing.first_pause
        while True:
            try:
                self._publisher.publish(self._topic, event)
                self._pulse.published()
                return True
            except PublishError as error:
                self._pulse.trouble("queue", error)
            if self._closing.wait(pause):
                return False
            pause = self._timing.longer(pause)
