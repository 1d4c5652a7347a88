"""Deliveries as GitHub signs them, and the webhook with a queue that keeps published events."""

import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from functions.events.event import Event
from functions.github.webhook.signature import sign
from functions.handlers.github_webhook import handle
from functions.queues.publisher import PublishError
from functions.serving.http import Answer, Request, answer
from functions.serving.webhook_dependencies import WebhookDependencies
from tests.github.payloads import EVERYDAY
from tests.support.builders import settings

SECRET = "It's a Secret to Everybody"
OLD = "an older one"
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
COMMENT = EVERYDAY["issue_comment"][0]


@dataclass
class Queue:
    """Keeps published events, or refuses them."""

    events: list[tuple[str, Event]] = field(default_factory=list)
    down: bool = False

    def publish(self, topic: str, event: Event) -> None:
        if self.down:
            raise PublishError("topic github: the queue did not answer")
        json.dumps(event.data).encode()
        self.events.append((topic, event))


def services_over(queue: Queue | None) -> WebhookDependencies:
    """Return the webhook's dependencies: two secrets, and a queue or none; it has no cluster."""
    configured = settings(github={"webhook_secrets": [SECRET, OLD]})
    return WebhookDependencies(configured, queue)


def delivery(event: str, payload: Any, **headers: str | None) -> Request:
    """Return a signed delivery; headers are given as content_type="...", None leaves one out."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    found: dict[str, str | None] = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": DELIVERY,
        "x-hub-signature-256": sign(body, SECRET),
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    return Request({name: text for name, text in found.items() if text is not None}, body)


def asked(services: WebhookDependencies, request: Request) -> Answer:
    """Return the webhook's answer."""
    return answer(partial(handle, services), request)
