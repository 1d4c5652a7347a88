"""One push over HTTP: the request, the meaning of its answer, and the pause before the next, by Google Pub/Sub's rules.

The embedded queue and the dispatcher of NATS push with it; Pub/Sub pushes by itself.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

import aiohttp

from functions.queues.queue_model import RetryPolicy, Subscription

ACKNOWLEDGED = frozenset({102, 200, 201, 203, 204})
"""Answers that acknowledge a push (Pub/Sub: Receive push messages). 202 is not among them."""

IDLE_SECONDS = 1.0
"""How long an idle connection to a consumer is kept: less than gunicorn's 2 s, so that this side closes it."""

MAX_REASON = 500
"""Characters of a consumer's answer that a refusal repeats."""


@dataclass(frozen=True)
class Refusal:
    """Why a push was not acknowledged.

    `reached` says whether the consumer received it; `retry_after` is in seconds.
    """

    reason: str
    reached: bool = True
    retry_after: float = 0.0


@dataclass(frozen=True)
class Push:
    """A message to push: an HTTP request with lower-case header names, and what the queue knows about the message."""

    headers: Mapping[str, str]
    body: bytes
    message_id: str
    published: datetime
    attempt: int


def session() -> aiohttp.ClientSession:
    """Return a client session for pushes; call it in the event loop that uses it."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS))


async def send(
    client: aiohttp.ClientSession, subscription: Subscription, push: Push, token: str = ""
) -> Refusal | None:
    """Push as the subscription says, with a bearer token if there is one; return None if it is acknowledged."""
    headers, body = wrapped(subscription.name, push) if subscription.wrapped else _unwrapped(subscription.name, push)
    timeout = aiohttp.ClientTimeout(total=subscription.ack_deadline)
    try:
        async with client.post(
            subscription.push_endpoint,
            data=body,
            headers={**headers, **({"authorization": f"Bearer {token}"} if token else {})},
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


def backoff_after(retry: RetryPolicy, previous: float) -> float:
    """Return the seconds to wait after a refusal, given the wait before it (0: none)."""
    return min(max(previous * 2, retry.minimum_backoff), retry.maximum_backoff)


def wrapped(subscription: str, push: Push) -> tuple[Mapping[str, str], bytes]:
    """Return the event in Pub/Sub's envelope (Pub/Sub: Push subscriptions); attributes are not percent-encoded."""
    message = {
        "attributes": {name: unquote(value) for name, value in push.headers.items()},
        "data": base64.b64encode(push.body).decode(),
        "messageId": push.message_id,
    }
    document = {"message": message, "subscription": subscription, "deliveryAttempt": push.attempt}
    return {"content-type": "application/json"}, json.dumps(document).encode()


def _unwrapped(subscription: str, push: Push) -> tuple[Mapping[str, str], bytes]:
    """Return the request with the metadata that Pub/Sub adds (Payload unwrapping: write metadata)."""
    metadata = {
        "x-goog-pubsub-message-id": push.message_id,
        "x-goog-pubsub-publish-time": push.published.isoformat(),
        "x-goog-pubsub-subscription-name": subscription,
        "x-goog-pubsub-delivery-attempt": str(push.attempt),
    }
    return {**push.headers, **metadata}, push.body


def _refusal(response: aiohttp.ClientResponse, text: str) -> Refusal | None:
    if response.status in ACKNOWLEDGED:
        return None
    retry_after = response.headers.get("Retry-After", "")
    return Refusal(
        f"answered {response.status}: {text[:MAX_REASON]}",
        retry_after=float(retry_after) if retry_after.isdigit() else 0.0,
    )
