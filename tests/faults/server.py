"""An API server and a queue behind one transport, so that a fault of either is a failed call."""

from dataclasses import dataclass

from functions.cluster.errors import ClusterError
from functions.cluster.transport import Request, Transport
from functions.events.event import Event
from functions.queues.publisher import PublishError
from tests.support.memoized_server import MemoizedServer, ServerState, StateGraph

TOPICS = "/topics/"


class ServerWithTopics(MemoizedServer):
    """An API server that also accepts events for topics, so that faults of both are injected alike."""

    def __init__(self, past: StateGraph, published: set[str], moment: ServerState | None = None) -> None:
        super().__init__(past, moment)
        self.published = published
        """Ids of the published events."""

    def answer(self, request: Request) -> str:
        """Return the answer as JSON text. Raise a ClusterError for an error answer."""
        if not request.path.startswith(TOPICS):
            return super().answer(request)
        self.published.add(request.body)
        return "{}"


@dataclass(frozen=True)
class TransportPublisher:
    """A publisher that uses the transport of the API calls."""

    transport: Transport

    def publish(self, topic: str, event: Event) -> None:
        """Store the event. Raise PublishError if the call fails."""
        try:
            self.transport.send(Request("POST", TOPICS + topic, {}, event.id))
        except ClusterError as error:
            raise PublishError(str(error)) from error
