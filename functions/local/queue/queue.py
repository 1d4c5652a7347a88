"""The queue as a whole: publishing, delivery, schedules and dead letters."""

import asyncio
import contextlib
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import aiohttp

from functions.local.queue.group_commit import GroupCommit
from functions.local.queue.message import Message
from functions.local.queue.pusher import Pusher
from functions.local.queue.store import Delivery, Store
from functions.queues.push import session
from functions.queues.queue_model import Schedule, Topology

SOURCE = "/orchestrator/queue"
"""Source of the events that schedules publish."""


class UnknownTopicError(Exception):
    """The topic is not in the topology."""


class UnknownLetterError(Exception):
    """The topic has no such dead letter."""


class Queue:
    """Topics and push subscriptions over one SQLite connection, in one event loop."""

    def __init__(
        self, connection: sqlite3.Connection, topology: Topology, clock: Callable[[], float] = time.time
    ) -> None:
        self.topology = topology
        self._store = Store(connection)
        self._group_commit = GroupCommit(connection)
        self._clock = clock
        self._pushers = [
            Pusher(subscription, self._store, self._group_commit, clock) for subscription in topology.subscriptions
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Start delivery and the schedules."""
        self._session = session()
        work = [pusher.run(self._session) for pusher in self._pushers]
        work += [self._tick(schedule) for schedule in self.topology.schedules]
        self._tasks = [asyncio.create_task(coroutine) for coroutine in work]

    async def stop(self) -> None:
        """Stop every delivery in flight; they are repeated after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def publish(self, topic: str, message: Message, schedule: str | None = None) -> str:
        """Store a message and return its id.

        Raises:
            UnknownTopicError: the topic is not in the topology.
            sqlite3.Error: it could not be stored.
        """
        self._require_topic(topic)
        names = [subscription.name for subscription in self.topology.subscribers(topic)]
        message_id = await self._group_commit.write(
            partial(self._store.publish, topic, message, names, self._clock(), schedule)
        )
        self._wake(topic)
        return str(message_id)

    def subscriptions(self) -> list[dict[str, Any]]:
        """Return the counts of each subscription: waiting (in flight or not), dead, acknowledged since the start."""
        return [self._counts(pusher) for pusher in self._pushers]

    def dead(self, topic: str) -> list[Delivery]:
        """Return the dead letters of a topic; raise UnknownTopicError."""
        self._require_topic(topic)
        return list(self._store.dead(topic))

    async def replay(self, topic: str, letter: int) -> None:
        """Deliver a dead letter again, with new attempts; raise UnknownTopicError or UnknownLetterError."""
        delivery = self._letter(topic, letter)
        replayed = replace(delivery, due=self._clock(), attempts=0, backoff=0.0)
        await self._group_commit.write(partial(self._store.update, replayed))
        self._wake(delivery.topic)

    async def drop(self, topic: str, letter: int) -> None:
        """Delete a dead letter; raise UnknownTopicError or UnknownLetterError."""
        await self._group_commit.write(partial(self._store.delete, self._letter(topic, letter)))

    def _require_topic(self, topic: str) -> None:
        if topic not in self.topology.topics:
            raise UnknownTopicError(f"there is no topic {topic}; there are {', '.join(self.topology.topics)}")

    def _letter(self, topic: str, letter: int) -> Delivery:
        for delivery in self.dead(topic):
            if delivery.id == letter:
                return delivery
        raise UnknownLetterError(f"topic {topic} has no dead letter {letter}")

    def _wake(self, topic: str) -> None:
        for pusher in self._pushers:
            if pusher.subscription.topic == topic:
                pusher.wake()

    def _counts(self, pusher: Pusher) -> dict[str, Any]:
        waiting, dead = self._store.counts(pusher.subscription.name)
        return {
            "name": pusher.subscription.name,
            "topic": pusher.subscription.topic,
            "pushEndpoint": pusher.subscription.push_endpoint,
            "waiting": waiting,
            "inFlight": pusher.in_flight,
            "acked": pusher.acknowledged,
            "dead": dead,
        }

    async def _tick(self, schedule: Schedule) -> None:
        while True:
            if not self._store.outstanding(schedule.name):
                with contextlib.suppress(sqlite3.Error):  # the next tick publishes it
                    await self.publish(schedule.topic, Message(_tick_headers(schedule), b""), schedule.name)
            await asyncio.sleep(schedule.every_seconds)


def _tick_headers(schedule: Schedule) -> Mapping[str, str]:
    return {
        "ce-specversion": "1.0",
        "ce-id": str(uuid.uuid4()),
        "ce-source": SOURCE,
        "ce-type": schedule.event_type,
    }
