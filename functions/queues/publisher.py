"""Events out: durable when `publish` returns. The embedded queue here, Google Pub/Sub in `pubsub`: one interface."""

from http.client import HTTPException
from typing import Protocol

from functions.events.event import Event
from functions.events.http_binding import to_request
from functions.settings.queues import QueueSettings

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
            code, text = self._queue.post(f"/topics/{topic}", *to_request(event))
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
