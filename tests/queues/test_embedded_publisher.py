"""Publishing to the embedded queue: connections are kept, and every failure is a PublishError with the topic."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

import pytest

from functions.events.event import Event
from functions.queues.backends.embedded.publisher import EmbeddedPublisher
from functions.queues.publisher import PublishError
from tests.support.http_servers import Handler, listening

EVENT = Event("a b", "/s", "t.v1", "", {"a": "ü"})


class Queue(ThreadingHTTPServer):
    """Records requests; with `closes`, it closes each connection after its answer, without a header."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.connections: list[object] = []
        self.requests: list[tuple[str, str, bytes]] = []
        self.closes = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/queue/"


class Answering(Handler):
    server: Queue

    def asked(self) -> None:
        self.server.connections.append(self.connection)
        self.server.requests.append((self.path, self.headers["ce-id"], self.received()))
        self.close_connection = self.server.closes
        self.answer(200, {}, b"{}")


@pytest.fixture
def queue() -> Iterator[Queue]:
    server = Queue()
    with listening(server):
        yield server


@contextmanager
def answering(text: bytes, times: int = 2) -> Iterator[str]:
    """Yield the URL of a server that answers so many connections with `text`, and closes them."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(times):
                with server.accept()[0] as connection:
                    connection.recv(65536)
                    connection.sendall(text)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_events_use_one_connection(queue: Queue) -> None:
    publisher = EmbeddedPublisher(queue.url)
    for _ in range(3):
        publisher.publish("jobs", EVENT)
    assert queue.requests == [("/queue/topics/jobs", "a%20b", b'{"a": "\\u00fc"}')] * 3
    assert len(set(queue.connections)) == 1


def test_connection_that_the_queue_closed_is_replaced(queue: Queue) -> None:
    publisher, queue.closes = EmbeddedPublisher(queue.url), True
    for _ in range(3):
        publisher.publish("jobs", EVENT)
    assert len(set(queue.connections)) == 3


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"what?\r\n\r\n"], ids=str)
def test_incomplete_answer_is_an_error(text: bytes) -> None:
    with answering(text) as url, pytest.raises(PublishError, match=r"topic jobs: the queue at .* did not answer"):
        EmbeddedPublisher(url).publish("jobs", EVENT)


def test_rejection_is_reported_with_its_answer() -> None:
    rejection = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
    with answering(rejection) as url, pytest.raises(PublishError, match=r"topic jobs: the queue answered 503: b'busy'"):
        EmbeddedPublisher(url).publish("jobs", EVENT)


def test_unreachable_queue_is_named() -> None:
    with pytest.raises(PublishError, match=r"topic jobs: the queue at http://127\.0\.0\.1:1 did not answer"):
        EmbeddedPublisher("http://127.0.0.1:1").publish("jobs", EVENT)
