"""An API server and a queue behind one transport, so that a fault of either is the fault of a call."""

from dataclasses import dataclass

from functions.cluster.errors import ClusterError
from functions.cluster.transport import Request, Transport
from functions.events.event import Event
from functions.queues.publisher import PublishError
from tests.support.memoized_server import MemoizedServer, ServerState, StateGraph

TOPICS = "/topics/"


class ServerWithTopics(MemoizedServer):
    """An API server beside which a queue takes events: both through one transport, so that both fail alike."""

    def __init__(self, past: StateGraph, published: set[str], moment: ServerState | None = None) -> None:
        super().__init__(past, moment)
        self.published = published
        """Ids of the events taken."""

    def answer(self, request: Request) -> str:
        """The answer, not decoded. Raises a ClusterError."""
        if not request.path.startswith(TOPICS):
            return super().answer(request)
        self.published.add(request.body)
        return "{}"


@dataclass(frozen=True)
class TransportPublisher:
    """Publishes through the transport that the API calls go through."""

    transport: Transport

    def publish(self, topic: str, event: Event) -> None:
        """Returns once the event is stored. Raises PublishError."""
        try:
            self.transport.send(Request("POST", TOPICS + topic, {}, event.id))
        except ClusterError as error:
            raise PublishError(str(error)) from error
