"""Applies the topology to NATS JetStream: creates streams and consumers that are missing, and updates what differs.

A topic is a stream, which keeps a message until every subscription has settled it (retention by interest); a stream of
dead letters keeps each until people deal with it. A subscription is a durable pull consumer. The server delivers
without limit: the dispatcher counts, because a message beyond a server's own limit would stay undelivered in the
stream, and no error would show it. A new stream takes no events before its
consumers exist: one that no consumer is interested in would be acknowledged and dropped. It may be applied any number
of times; other streams and consumers are left alone.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from functions.queues.backends.nats.connection import NatsError, connect, explained
from functions.queues.backends.nats.names import Names
from functions.queues.queue_model import Topology
from functions.queues.setup import SetupError
from functions.settings.nats import NatsSettings

DAY = 86_400.0

MAX_AGE = 7 * DAY
"""Seconds that a message waits for its subscriptions; as long as on Pub/Sub (Pub/Sub: Message retention)."""

DEDUPLICATION_WINDOW = 120.0
"""Seconds in which a message with the same id is not stored again; JetStream's default."""

ACK_WAIT = 20.0
"""Seconds after which a message is delivered again if its dispatcher no longer says that it works on it."""

MAX_ACK_PENDING = 20_000
"""Messages of a consumer in delivery or waiting for another attempt, beyond which no new one is delivered."""

STREAM_FIELDS = ("subjects", "discard", "max_age", "num_replicas", "duplicate_window")
CONSUMER_FIELDS = ("ack_wait", "max_deliver", "max_ack_pending")
"""Fields that the server lets change; each is set below."""


@dataclass(frozen=True, slots=True)
class TopologyApplier:
    """Applies topologies of one installation over a connection; with `dry_run` it changes nothing."""

    client: Client
    names: Names
    replicas: int = 1
    dry_run: bool = False

    async def apply(self, topology: Topology) -> AsyncIterator[str]:
        """Yield what was done, one line for each stream and consumer, as it is done; raise NatsError."""
        kept = {subscription.dead_letter.topic for subscription in topology.subscriptions if subscription.dead_letter}
        kept |= set(topology.dead_letter_topics)
        for topic in topology.topics:
            yield await self._stream(topic, is_kept=topic in kept)
        for subscription in topology.subscriptions:
            yield await self._consumer(self.names.stream(subscription.topic), subscription.name)
        for topic in topology.topics:
            await self._open(topic, is_kept=topic in kept)

    async def _stream(self, topic: str, *, is_kept: bool) -> str:
        new = stream_config(self.names, topic, self.replicas, is_kept=is_kept)
        with explained(f"stream {new.name}"):
            try:
                old = await self._present(topic)
            except NotFoundError:
                if not self.dry_run:
                    await self.client.jetstream().add_stream(new.evolve(subjects=[self.names.schedules(topic)]))
                return f"stream {new.name}: {self._done('created')}"
            changed = _changed(old, new, STREAM_FIELDS)
        return f"stream {new.name}: {self._outcome(changed)}"

    async def _open(self, topic: str, *, is_kept: bool) -> None:
        """Bring the stream up to date, whose consumers exist now; a new one takes events from here on."""
        new = stream_config(self.names, topic, self.replicas, is_kept=is_kept)
        with explained(f"stream {new.name}"):
            if not self.dry_run and _changed(await self._present(topic), new, STREAM_FIELDS):
                await self.client.jetstream().update_stream(new)

    async def _present(self, topic: str) -> StreamConfig:
        return (await self.client.jetstream().stream_info(self.names.stream(topic))).config

    async def _consumer(self, stream: str, name: str) -> str:
        streams = self.client.jetstream()
        new = consumer_config(name)
        with explained(f"consumer {name} of stream {stream}"):
            try:
                old = (await streams.consumer_info(stream, name)).config
            except NotFoundError:
                if not self.dry_run:
                    await streams.add_consumer(stream, new)
                return f"consumer {stream}/{name}: {self._done('created')}"
            changed = _changed(old, new, CONSUMER_FIELDS)
            if changed and not self.dry_run:
                await streams.add_consumer(stream, new)
        return f"consumer {stream}/{name}: {self._outcome(changed)}"

    def _outcome(self, changed: list[str]) -> str:
        return f"{self._done('updated')}: {', '.join(changed)}" if changed else "as it should be"

    def _done(self, what: str) -> str:
        return f"would be {what}" if self.dry_run else what


def apply_once(settings: NatsSettings, prefix: str, topology: Topology, *, dry_run: bool) -> Iterator[str]:
    """Apply a topology over a connection of its own; yield what was done. Raises SetupError."""

    async def applied() -> list[str]:
        client = await connect(settings, "orchestrator-queues-apply")
        try:
            applier = TopologyApplier(client, Names(prefix), settings.replicas, dry_run)
            return [line async for line in applier.apply(topology)]
        finally:
            await client.close()

    try:
        yield from asyncio.run(applied())
    except NatsError as error:
        raise SetupError(str(error)) from error


def stream_config(names: Names, topic: str, replicas: int, *, is_kept: bool) -> StreamConfig:
    """Return the stream of a topic; if `is_kept`, messages stay until they are deleted one by one.

    A full stream refuses new messages, so that nothing stored is lost and the publisher knows.
    """
    return StreamConfig(
        name=names.stream(topic),
        subjects=[names.subject(topic), names.schedules(topic)],
        retention=RetentionPolicy.LIMITS if is_kept else RetentionPolicy.INTEREST,
        discard=DiscardPolicy.NEW,
        max_age=0.0 if is_kept else MAX_AGE,
        storage=StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=DEDUPLICATION_WINDOW,
    )


def consumer_config(name: str) -> ConsumerConfig:
    """Return the durable pull consumer of a subscription."""
    return ConsumerConfig(
        durable_name=name,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
    )


def _changed(old: Any, new: Any, fields: tuple[str, ...]) -> list[str]:
    return [field for field in fields if getattr(old, field) != getattr(new, field)]
