"""One push: the request, the meaning of its answer, and the next state of the delivery, by Google Pub/Sub's rules."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import unquote

import aiohttp

from functions.local.queue.store import Delivery
from functions.queues.queue_model import Subscription

ACKNOWLEDGED = frozenset({102, 200, 201, 203, 204})
"""Answers that acknowledge a push (Pub/Sub: Receive push messages). 202 is not among them."""


@dataclass(frozen=True)
class Refusal:
    """Why a push was not acknowledged.

    `reached` says whether the consumer received it; `retry_after` is in seconds.
    """

    reason: str
    reached: bool = True
    retry_after: float = 0.0


@dataclass(frozen=True)
class PushRequest:
    """The request of a push."""

    headers: Mapping[str, str]
    body: bytes


async def push(session: aiohttp.ClientSession, subscription: Subscription, delivery: Delivery) -> Refusal | None:
    """Push the event as the subscription says; return None if it is acknowledged."""
    request = wrapped(delivery) if subscription.wrapped else PushRequest(_headers(delivery), delivery.message.body)
    timeout = aiohttp.ClientTimeout(total=subscription.ack_deadline)
    try:
        async with session.post(
            subscription.push_endpoint,
            data=request.body,
            headers=request.headers,
            skip_auto_headers=("Content-Type",),
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            return _refusal(response, await response.text(errors="replace"))
    except aiohttp.ClientConnectorError as error:
        return Refusal(f"no connection: {error}", reached=False)
    except TimeoutError:
        return Refusal(f"no answer within the ack deadline of {subscription.ack_deadline:g} s")
    except aiohttp.ClientError as error:
        return Refusal(f"the connection broke: {error}")


def after(delivery: Delivery, refusal: Refusal, subscription: Subscription, now: float) -> tuple[Delivery, str | None]:
    """Return the next state of a refused delivery, and its dead-letter topic if this was its last attempt.

    A consumer that cannot be reached has not seen the message: that costs back-off, but no attempt.
    """
    policy, retry = subscription.dead_letter, subscription.retry
    attempts = delivery.attempts + refusal.reached
    backoff = min(max(delivery.backoff * 2, retry.minimum_backoff), retry.maximum_backoff)
    due = now + max(backoff, refusal.retry_after)
    next_state = replace(delivery, attempts=attempts, backoff=backoff, due=due, reason=refusal.reason)
    exhausted = policy is not None and attempts >= policy.max_delivery_attempts
    return next_state, policy.topic if policy and exhausted else None


def wrapped(delivery: Delivery) -> PushRequest:
    """Return the event in Pub/Sub's envelope (Pub/Sub: Push subscriptions); attributes are not percent-encoded."""
    attributes = {name: unquote(value) for name, value in delivery.message.headers.items()}
    message = {
        "attributes": attributes,
        "data": base64.b64encode(delivery.message.body).decode(),
        "messageId": str(delivery.message_id),
    }
    document = {"message": message, "subscription": delivery.subscription, "deliveryAttempt": delivery.attempts + 1}
    return PushRequest({"content-type": "application/json"}, json.dumps(document).encode())


def _headers(delivery: Delivery) -> Mapping[str, str]:
    """Return the event's headers and the metadata that Pub/Sub adds (Payload unwrapping: write metadata)."""
    return {
        **delivery.message.headers,
        "x-goog-pubsub-message-id": str(delivery.message_id),
        "x-goog-pubsub-publish-time": datetime.fromtimestamp(delivery.published, UTC).isoformat(),
        "x-goog-pubsub-subscription-name": delivery.subscription,
        "x-goog-pubsub-delivery-attempt": str(delivery.attempts + 1),
    }


def _refusal(response: aiohttp.ClientResponse, text: str) -> Refusal | None:
    if response.status in ACKNOWLEDGED:
        return None
    retry_after = response.headers.get("Retry-After", "")
    return Refusal(
        f"answered {response.status}: {text[:500]}", retry_after=float(retry_after) if retry_after.isdigit() else 0.0
    )
