"""Calls to other services: each is recorded for the current request, and published events contain its trace."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from functions.events.event import Event
from functions.queues import backends
from functions.queues.publisher import Publisher
from functions.runs.model.trace import traceparent
from functions.settings.queues import QueueSettings
from functions.telemetry import context
from functions.telemetry.invocation import KUBERNETES, QUEUE, calling

if TYPE_CHECKING:
    from functions.cluster.transport import Request, Transport


class InstrumentedTransport:
    """A transport that records each call by method and kind of object, never by the object's name."""

    def __init__(self, inner: "Transport") -> None:
        self._inner = inner

    def send(self, request: "Request") -> Any:
        """Return the decoded response. Raises a ClusterError."""
        with calling(KUBERNETES, f"{request.method} {_resource(request.path)}"):
            return self._inner.send(request)

    def stream(self, request: "Request") -> Iterator[Any]:
        """Yield the decoded lines as they arrive. Raises a ClusterError."""
        return self._inner.stream(request)


class TracedPublisher:
    """A publisher whose events carry the trace of the work that publishes them."""

    def __init__(self, inner: Publisher) -> None:
        self._inner = inner

    def publish(self, topic: str, event: Event) -> None:
        """Publish the event; return once it is stored. Raises PublishError."""
        with calling(QUEUE, f"publish {topic}"):
            self._inner.publish(topic, replace(event, trace=event.trace or traceparent(context.span_context())))


def publisher(settings: QueueSettings) -> TracedPublisher | None:
    """Return the publisher of the configured queue, or None without one; this makes no call."""
    return TracedPublisher(backends.connect(settings)) if settings.configured else None


def _resource(path: str) -> str:
    """Return the kind in a path, with its subresource: `jobs` of /apis/batch/v1/namespaces/x/jobs/y."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    kind, *rest = parts[2:] if parts[:1] == ["namespaces"] and len(parts) > 2 else parts or [""]
    return "/".join([kind, *rest[1:]])
