"""Delivers one subscription of NATS to its function over HTTP, and settles each message by the answer.

| the push is                        | the message                                                            |
|------------------------------------|------------------------------------------------------------------------|
| acknowledged                       | is acknowledged                                                        |
| refused                            | comes again after its back-off, or after the answer's Retry-After      |
| refused at the last attempt        | is published as a dead letter, then acknowledged                       |
| not possible: no server answers    | is held and pushed again after a back-off: that costs no attempt       |
| under way, or the message is held  | is reported as in progress, so that no other dispatcher gets it        |
| cut off by a stop                  | comes again at once, to another dispatcher                             |
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from urllib.parse import unquote

import aiohttp
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import Header

from functions.events.nats_binding import to_request
from functions.queues.backends.nats.connection import CALL_SECONDS, NatsError, explained
from functions.queues.backends.nats.dead_letters import headers_of
from functions.queues.backends.nats.names import Names
from functions.queues.backends.nats.setup import ACK_WAIT
from functions.queues.push import Push, Refusal, backoff_after, send
from functions.queues.queue_model import RetryPolicy, Subscription

log = logging.getLogger("orchestrator")

SILENT_SECONDS = 30.0
"""A subscription for which NATS has not answered for so long is not ready."""

KEEP_SECONDS = ACK_WAIT / 4
"""Pause between two reports that a message is in progress; three may be late or lost."""


@dataclass
class Delivery:
    """The delivery of one subscription; `token` is the bearer token of pushes, if there is one."""

    subscription: Subscription
    names: Names
    token: str = ""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    in_flight: int = 0
    held: int = 0
    acknowledged: int = 0
    dead: int = 0
    _last_contact: float = field(default_factory=time.monotonic)

    @property
    def silent_seconds(self) -> float:
        """How long NATS has not been heard of."""
        return time.monotonic() - self._last_contact

    @property
    def is_recent(self) -> bool:
        """Whether NATS has answered recently."""
        return self.silent_seconds <= SILENT_SECONDS

    def heard(self) -> None:
        """Note that NATS has answered."""
        self._last_contact = time.monotonic()

    def report(self) -> Mapping[str, Any]:
        """Return the state for people; counts are since the start."""
        return {
            "ready": self.is_recent,
            "silentSeconds": round(self.silent_seconds, 1),
            "inFlight": self.in_flight,
            "held": self.held,
            "acknowledged": self.acknowledged,
            "dead": self.dead,
        }

    async def deliver(self, client: Client, session: aiohttp.ClientSession, message: Msg) -> None:
        """Push the message and settle it; never raises for NATS or the function, which are logged."""
        keeping = asyncio.create_task(self._keep(client, message))
        self.in_flight += 1
        try:
            await self._push_and_settle(client, session, message)
        except (NatsError, Error) as error:  # the message comes again after ACK_WAIT
            log.warning("%s could not be settled: %s", self._named(message), error)
        finally:
            self.in_flight -= 1
            keeping.cancel()
            if not message.is_acked:
                with suppress(Error):
                    await message.nak()

    async def _keep(self, client: Client, message: Msg) -> None:
        """Report that the message is in progress, until cancelled."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            with suppress(Error):  # while the server is away; the message is delivered twice then
                await message.in_progress()
            if client.is_connected:
                self.heard()

    async def _push_and_settle(self, client: Client, session: aiohttp.ClientSession, message: Msg) -> None:
        attempt, pause = message.metadata.num_delivered, 0.0
        while refusal := await send(session, self.subscription, self._push(message, attempt), self.token):
            if refusal.reached and self._is_last(attempt):
                await self._bury(client, message, attempt, refusal)
                return
            if refusal.reached:
                await self._refuse(message, attempt, refusal)
                return
            pause = backoff_after(self.subscription.retry, pause)
            log.warning("%s is held for %g s: %s", self._named(message), pause, refusal.reason)
            self.held += 1
            if await self._stops_within(pause):
                return  # not settled: it comes again at once
        await message.ack()
        self.acknowledged += 1

    def _push(self, message: Msg, attempt: int) -> Push:
        headers, body = to_request(message.headers or {}, message.data)
        return Push(headers, body, self._number(message), message.metadata.timestamp.astimezone(UTC), attempt)

    def _is_last(self, attempt: int) -> bool:
        policy = self.subscription.dead_letter
        return policy is not None and attempt >= policy.max_delivery_attempts

    async def _refuse(self, message: Msg, attempt: int, refusal: Refusal) -> None:
        delay = max(backoff_of(self.subscription.retry, attempt), refusal.retry_after)
        await message.nak(delay)
        log.warning("%s is retried in %g s: %s", self._named(message), delay, refusal.reason)

    async def _bury(self, client: Client, message: Msg, attempt: int, refusal: Refusal) -> None:
        policy = self.subscription.dead_letter
        assert policy
        number, stream = self._number(message), self.names.stream(policy.topic)
        headers = headers_of(message.headers or {}, self.subscription.name, attempt, refusal.reason, number)
        headers[Header.MSG_ID] = f"{self.subscription.name} {number}"
        with explained(f"stream {stream}"):
            await client.jetstream().publish(
                self.names.subject(policy.topic), message.data, CALL_SECONDS, stream, headers
            )
        await message.ack()
        self.dead += 1
        log.error("%s is a dead letter in %s: %s", self._named(message), policy.topic, refusal.reason)

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)
        return self.stopping.is_set()

    def _number(self, message: Msg) -> str:
        return f"{message.metadata.stream}-{message.metadata.sequence.stream}"

    def _named(self, message: Msg) -> str:
        event = unquote((message.headers or {}).get("ce-id", ""))
        return f"message {self._number(message)} (event {event}) to {self.subscription.name}"


def backoff_of(retry: RetryPolicy, attempt: int) -> float:
    """Return the seconds to wait after so many refused attempts, from 1."""
    doublings = min(attempt - 1, 64)  # far beyond any maximum
    return float(min(retry.minimum_backoff * 2**doublings, retry.maximum_backoff))
