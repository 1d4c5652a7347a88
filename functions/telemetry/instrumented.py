"""Calls to others, seen from here: which were made, and that what is published carries the trace."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from functions.events.event import Event
from functions.queues import backends
from functions.queues.publisher import Publisher
from functions.settings.queues import QueueSettings
from functions.telemetry import context
from functions.telemetry.invocation import KUBERNETES, QUEUE, calling

if TYPE_CHECKING:
    from functions.cluster.transport import Request, Transport


class InstrumentedTransport:
    """A transport whose calls are noted with the request they are made for: method and kind, never a name."""

    def __init__(self, inner: "Transport") -> None:
        self._inner = inner

    def send(self, request: "Request") -> Any:
        """The decoded answer. Raises a ClusterError."""
        with calling(KUBERNETES, f"{request.method} {_resource(request.path)}"):
            return self._inner.send(request)

    def stream(self, request: "Request") -> Iterator[Any]:
        """The decoded lines, as they come. Raises a ClusterError."""
        return self._inner.stream(request)


class TracedPublisher:
    """A publisher whose events belong to the trace of the work that they come from."""

    def __init__(self, inner: Publisher) -> None:
        self._inner = inner

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the event is stored. Raises PublishError."""
        trace = event.trace or str(context.current().trace or "")
        with calling(QUEUE, f"publish {topic}"):
            self._inner.publish(topic, replace(event, trace=trace))


def publisher(settings: QueueSettings) -> TracedPublisher | None:
    """The publisher that the settings name, if they name one. Calls nobody."""
    return TracedPublisher(backends.connect(settings)) if settings.configured else None


def _resource(path: str) -> str:
    """`jobs` of /apis/batch/v1/namespaces/x/jobs/y; a subresource stays: `coderuns/status`."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    kind, *rest = parts[2:] if parts[:1] == ["namespaces"] and len(parts) > 2 else parts or [""]
    return "/".join([kind, *rest[1:]])
