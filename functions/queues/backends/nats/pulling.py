"""Takes the messages of one subscription from NATS and hands a bounded number of them to its delivery at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.errors import TimeoutError as FetchTimeoutError
from nats.js.client import JetStreamContext

from functions.queues.backends.nats.connection import NatsError, explained
from functions.queues.backends.nats.delivery import Delivery

log = logging.getLogger("orchestrator")

PULL_SECONDS = 5.0
"""Longest wait of one request for a message; one that a server lost is noticed after it."""

PAUSE_SECONDS = 1.0
"""Pause after an error of NATS."""


class Puller:
    """Pulls one subscription; `restore` sets its stream and consumer up again, and may raise NatsError."""

    def __init__(
        self,
        client: Client,
        http: aiohttp.ClientSession,
        delivery: Delivery,
        stream: str,
        restore: Callable[[], Awaitable[None]],
    ) -> None:
        self._client, self._http, self._delivery = client, http, delivery
        self._stream, self._restore = stream, restore
        self._slots = asyncio.Semaphore(delivery.subscription.concurrency)
        self._pushes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Take one message after the other, in their order, until cancelled."""
        name = self._delivery.subscription.name
        pull = await self._client.jetstream().pull_subscribe_bind(name, self._stream)
        try:
            while True:
                await self._slots.acquire()
                task = asyncio.create_task(self._push(await self._next(pull)))
                self._pushes.add(task)
                task.add_done_callback(self._pushes.discard)
        finally:
            with suppress(Error):  # else the server sends a message that `end` gives back to the last request
                await pull.unsubscribe()

    async def end(self, seconds: float) -> None:
        """Wait for open pushes, at most so many seconds; then abort them, so that they are delivered again."""
        self._delivery.stopping.set()
        if self._pushes:
            _, cut_off = await asyncio.wait(self._pushes, timeout=seconds)
            for push in cut_off:
                push.cancel()
            await asyncio.gather(*cut_off, return_exceptions=True)

    async def _push(self, message: Msg) -> None:
        try:
            await self._delivery.deliver(self._client, self._http, message)
        finally:
            self._slots.release()

    async def _next(self, pull: JetStreamContext.PullSubscription) -> Msg:
        """Return the next message, however long that takes."""
        while True:
            try:
                with explained(f"consumer {self._delivery.subscription.name} of stream {self._stream}"):
                    try:
                        (message,) = await pull.fetch(1, PULL_SECONDS)
                    except FetchTimeoutError:  # no message, or no consumer: the server answers both alike
                        await self._client.jetstream().consumer_info(self._stream, self._delivery.subscription.name)
                        self._delivery.heard()
                        continue
            except NatsError as error:
                log.warning("%s", error)
                await self._repair()
            else:
                self._delivery.heard()
                return message

    async def _repair(self) -> None:
        """Wait, and set the consumer up again: it is missing if the servers lost what they had stored."""
        await asyncio.sleep(PAUSE_SECONDS)
        if self._client.is_connected:
            try:
                await self._restore()
            except NatsError as error:
                log.warning("%s", error)
