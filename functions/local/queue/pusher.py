"""Delivers one subscription: leases a bounded number of due messages, and settles each by its answer.

A rejected message waits for its back-off in the store, so that it blocks no other.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import aiohttp

from functions.local.queue.group_commit import GroupCommit
from functions.local.queue.store import Delivery, Store
from functions.queues.push import Push, Refusal, backoff_after, send
from functions.queues.queue_model import Subscription

_log = logging.getLogger("orchestrator")


class Pusher:
    """The delivery of one subscription; `acknowledged` counts since the start."""

    def __init__(
        self, subscription: Subscription, store: Store, group_commit: GroupCommit, clock: Callable[[], float]
    ) -> None:
        self.subscription = subscription
        self.acknowledged = 0
        self._store = store
        self._group_commit = group_commit
        self._clock = clock
        self._leases: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """How many messages are being delivered now."""
        return len(self._leases)

    def wake(self) -> None:
        """Look for due messages again."""
        self._wake.set()

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Deliver until cancelled; deliveries in flight are repeated after the next start."""
        try:
            while True:
                self._wake.clear()
                now = self._clock()  # one moment for both: a message that is due between two would wait for the next
                self._lease(session, now)
                await self._wait_for_work(now)
        finally:
            tasks = [*self._leases.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _lease(self, session: aiohttp.ClientSession, now: float) -> None:
        """Start deliveries up to the concurrency limit, longest due first; those in flight are due too and skipped."""
        limit = self.subscription.concurrency
        if self.in_flight == limit:
            return
        for delivery in self._store.due(self.subscription.name, now, limit + self.in_flight):
            if delivery.id not in self._leases and self.in_flight < limit:
                self._leases[delivery.id] = asyncio.create_task(self._deliver(session, delivery))

    async def _wait_for_work(self, now: float) -> None:
        full = self.in_flight == self.subscription.concurrency
        due = None if full else self._store.next_due(self.subscription.name, now)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), None if due is None else max(0.0, due - self._clock()))

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        try:
            await self._settle(delivery, await _push(session, self.subscription, delivery))
        except sqlite3.Error as error:
            _log.error(
                "message %d to %s: the result of its delivery could not be stored: %s",
                delivery.message_id,
                delivery.subscription,
                error,
            )
            await asyncio.sleep(self.subscription.retry.minimum_backoff)
        finally:
            del self._leases[delivery.id]
            self.wake()

    async def _settle(self, delivery: Delivery, refusal: Refusal | None) -> None:
        if refusal is None:
            await self._group_commit.write(partial(self._store.delete, delivery))
            self.acknowledged += 1
            return
        delivery, dead_topic = _after(delivery, refusal, self.subscription, self._clock())
        await self._group_commit.write(partial(self._store.update, delivery, dead_topic))
        level = logging.ERROR if dead_topic else logging.WARNING
        next_step = f"is a dead letter in {dead_topic}" if dead_topic else f"is retried in {delivery.backoff:g} s"
        _log.log(
            level, "message %d to %s %s: %s", delivery.message_id, delivery.subscription, next_step, refusal.reason
        )


async def _push(client: aiohttp.ClientSession, subscription: Subscription, delivery: Delivery) -> Refusal | None:
    """Push the event as the subscription says; return None if it is acknowledged."""
    published = datetime.fromtimestamp(delivery.published, UTC)
    message = delivery.message
    content = Push(message.headers, message.body, str(delivery.message_id), published, delivery.attempts + 1)
    return await send(client, subscription, content)


def _after(delivery: Delivery, refusal: Refusal, subscription: Subscription, now: float) -> tuple[Delivery, str | None]:
    """Return the next state of a refused delivery, and its dead-letter topic if this was its last attempt.

    A consumer that cannot be reached has not seen the message: that costs back-off, but no attempt.
    """
    policy = subscription.dead_letter
    attempts = delivery.attempts + refusal.reached
    backoff = backoff_after(subscription.retry, delivery.backoff)
    due = now + max(backoff, refusal.retry_after)
    next_state = replace(delivery, attempts=attempts, backoff=backoff, due=due, reason=refusal.reason)
    exhausted = policy is not None and attempts >= policy.max_delivery_attempts
    return next_state, policy.topic if policy and exhausted else None
