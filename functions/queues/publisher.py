"""Events out: durable when `publish` returns. The embedded queue here, Google Pub/Sub in `pubsub`: one interface."""

import json
from http.client import HTTPException
from typing import Protocol
from urllib.parse import quote

from functions.events.event import Event
from functions.settings.queues import QueueSettings

HEADER_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""What a header value carries as it is; the rest is percent-encoded (CloudEvents HTTP binding, Header Values)."""

CALL_SECONDS = 10.0
"""Longest that the embedded queue may take."""


class PublishError(Exception):
    """The queue did not take the event; it may later."""


class Publisher(Protocol):
    """Puts events on topics."""

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the event is stored. Raises PublishError."""
        ...


class HttpPublisher:
    """Publishes to the embedded queue, in CloudEvents' binary mode over HTTP."""

    def __init__(self, url: str) -> None:
        from functions.queues.embedded.http_pool import Connections  # not by who only reads events

        self._queue = Connections(url.rstrip("/"), CALL_SECONDS)

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the event is stored. Raises PublishError."""
        try:
            code, text = self._queue.post(f"/topics/{topic}", encoded(event), json.dumps(event.data).encode())
        except (OSError, HTTPException) as error:
            raise PublishError(f"topic {topic}: the queue did not answer: {error}") from error
        if code != 200:
            raise PublishError(f"topic {topic}: the queue answered {code}: {text[:200]!r}")


def connect(settings: QueueSettings) -> Publisher:
    """The publisher that the settings name. Calls nobody. Raises PublishError where they name none."""
    if settings.project:
        from functions.queues.pubsub.project import Project
        from functions.queues.pubsub.publisher import PubsubPublisher

        return PubsubPublisher(Project(settings.project, settings.prefix))
    if settings.url:
        return HttpPublisher(settings.url)
    raise PublishError("there is nothing to publish to: set queues.project (Pub/Sub) or queues.url (embedded queue)")


def encoded(event: Event) -> dict[str, str]:
    """The headers of an event in binary mode."""
    headers = {
        "ce-specversion": "1.0",
        "ce-id": event.id,
        "ce-source": event.source,
        "ce-type": event.type,
        "content-type": "application/json",
    }
    if event.subject:
        headers["ce-subject"] = event.subject
    if event.key:
        headers["ce-partitionkey"] = event.key
    if event.trace:
        headers["ce-traceparent"] = event.trace
    return {
        name: quote(value, safe=HEADER_SAFE) if name.startswith("ce-") else value for name, value in headers.items()
    }
