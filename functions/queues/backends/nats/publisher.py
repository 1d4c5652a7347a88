"""Publishes to NATS JetStream, in binary mode of CloudEvents' NATS binding.

A publish is answered by the stream once the message is stored, on every replica that it has to be on. Header
Nats-Msg-Id is the event's source and id: JetStream stores an event that is published again within the stream's window
once (Message Deduplication), so that a publish without an answer can be repeated.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from nats.aio.client import Client
from nats.js.api import Header
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from functions.events.event import Event
from functions.events.nats_binding import to_message
from functions.queues.backends.nats.connection import (
    CALL_SECONDS,
    NatsError,
    NatsUnavailableError,
    connect,
    explained,
)
from functions.queues.backends.nats.loop_thread import LoopThread
from functions.queues.backends.nats.names import Names
from functions.queues.publisher import PublishError
from functions.settings.nats import NatsSettings

RETRY_SECONDS = 10.0
"""How long a publish is repeated: a caller holds a message whose ack deadline is 60 s, and GitHub waits no longer."""


class NatsPublisher:
    """Publishes to the streams of one installation, repeating each call for at most `seconds`.

    One connection and one event loop serve all threads of the process.
    """

    def __init__(self, settings: NatsSettings, prefix: str = "", seconds: float = RETRY_SECONDS) -> None:
        self._settings, self._names, self._seconds = settings, Names(prefix), seconds
        self._loop = LoopThread("nats")
        self._connecting: asyncio.Lock | None = None
        self._client: Client | None = None
        self._closing: asyncio.Task[None] | None = None

    def publish(self, topic: str, event: Event) -> None:
        """Return once the event is stored; raise PublishError."""
        headers, payload = to_message(event)
        work = self._repeat(topic, payload, {**headers, Header.MSG_ID: message_id(event)})
        try:
            self._loop.run(work, self._seconds + 2 * CALL_SECONDS)
        except (NatsError, TimeoutError) as error:
            raise PublishError(str(error) or f"topic {topic}: NATS did not answer in time") from error

    async def _repeat(self, topic: str, payload: bytes, headers: Mapping[str, str]) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(NatsUnavailableError),
            stop=stop_after_delay(self._seconds),
            wait=wait_exponential(multiplier=0.1, max=2.0),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                await self._publish_once(topic, payload, headers)

    async def _publish_once(self, topic: str, payload: bytes, headers: Mapping[str, str]) -> None:
        client = await self._connected()
        stream = self._names.stream(topic)
        try:
            with explained(f"stream {stream}"):
                await client.jetstream().publish(
                    self._names.subject(topic), payload, CALL_SECONDS, stream, dict(headers)
                )
        except NatsUnavailableError:
            if not client.is_connected and self._client is client:
                self._client = None  # the next attempt connects anew, with files read anew
                self._closing = asyncio.create_task(client.close())
            raise

    async def _connected(self) -> Client:
        self._connecting = self._connecting or asyncio.Lock()
        async with self._connecting:
            if self._client is None or self._client.is_closed:
                self._client = await connect(self._settings, "orchestrator-publisher")
            return self._client


def message_id(event: Event) -> str:
    """Return what identifies an event: source and id (CloudEvents: Required Attributes)."""
    return f"{quote(event.source, safe='/:')} {quote(event.id, safe='/:')}"
