"""The push of a delivery, and its next state after a refusal, by Google Pub/Sub's rules."""

from dataclasses import replace
from datetime import UTC, datetime

import aiohttp

from functions.local.queue.store import Delivery
from functions.queues.push import Push, Refusal, backoff_after, send
from functions.queues.queue_model import Subscription


async def push(client: aiohttp.ClientSession, subscription: Subscription, delivery: Delivery) -> Refusal | None:
    """Push the event as the subscription says; return None if it is acknowledged."""
    published = datetime.fromtimestamp(delivery.published, UTC)
    message = delivery.message
    content = Push(message.headers, message.body, str(delivery.message_id), published, delivery.attempts + 1)
    return await send(client, subscription, content)


def after(delivery: Delivery, refusal: Refusal, subscription: Subscription, now: float) -> tuple[Delivery, str | None]:
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
