"""Connections to the queue are kept open, and none is used that should not be.

| a connection                         | comes to                                                |
|--------------------------------------|---------------------------------------------------------|
| was answered on                      | serves the next event                                   |
| is in use                            | is left alone: another thread has one of its own        |
| was closed by the server meanwhile   | is replaced, and nobody is told                         |
| is new, and breaks                   | PublishError                                            |
"""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from http.server import ThreadingHTTPServer

import pytest

from functions.events.event import Event
from functions.events.posting import Connections
from functions.events.publisher import HttpPublisher, PublishError
from tests.support.serving import Handler, listening

SECONDS = 20.0


class Queue(ThreadingHTTPServer):
    """Notes on which connection each request came; `closes` has it close each after its answer, unannounced."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.used: list[object] = []
        self.closes = False
        self.barrier = threading.Barrier(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/queue"


class Answering(Handler):
    server: Queue

    def asked(self) -> None:
        body = self.received()
        self.server.used.append(self.connection)
        self.server.barrier.wait(SECONDS)
        self.close_connection = self.server.closes
        self.answer(200, {"X-Path": self.path}, self.path.encode() + body)


@pytest.fixture
def queue() -> Iterator[Queue]:
    server = Queue()
    with listening(server):
        yield server


@contextmanager
def answering_once(text: bytes) -> Iterator[str]:
    """A server that answers the first request with `text`, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(text)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_the_next_event_goes_on_the_same_connection(queue: Queue) -> None:
    connections = Connections(queue.url, SECONDS)
    for body in (b"a", b"b", b"c"):
        assert connections.post("/topics/t", {}, body) == (200, b"/queue/topics/t" + body)
    assert len(set(queue.used)) == 1


def test_threads_have_connections_of_their_own_and_leave_them_to_each_other(queue: Queue) -> None:
    connections, queue.barrier = Connections(queue.url, SECONDS), threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        for _ in range(2):
            answers = list(pool.map(lambda body: connections.post("", {}, body), (b"a", b"b", b"c")))
            assert [text for _, text in answers] == [b"/queuea", b"/queueb", b"/queuec"]
    assert (len(queue.used), len(set(queue.used))) == (6, 3)


def test_a_connection_that_the_server_closed_is_replaced(queue: Queue) -> None:
    connections, queue.closes = Connections(queue.url, SECONDS), True
    for _ in range(3):
        assert connections.post("", {}, b"") == (200, b"/queue")
    assert len(set(queue.used)) == 3


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"what?\r\n\r\n"])
def test_half_an_answer_is_none(text: bytes) -> None:
    with answering_once(text) as url, pytest.raises((OSError, HTTPException)):
        Connections(url, SECONDS).post("", {}, b"")


def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimeoutError):
        Connections(f"http://127.0.0.1:{server.getsockname()[1]}", 0.05).post("", {}, b"")


def test_a_publisher_says_which_topic_it_was() -> None:
    event = Event("1", "s", "t", "", {})
    with answering_once(b"") as url, pytest.raises(PublishError, match=r"topic github: the queue did not answer"):
        HttpPublisher(url).publish("github", event)
    refusing = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
    with answering_once(refusing) as url, pytest.raises(PublishError, match=r"topic github: .* 503: b'busy'"):
        HttpPublisher(url).publish("github", event)
