"""Connections to the queue are kept open, and none is used that should not be.

| a connection                         | comes to                                                |
|--------------------------------------|---------------------------------------------------------|
| was answered on                      | serves the next event                                   |
| is in use                            | is left alone: another thread has one of its own        |
| was closed by the server meanwhile   | is replaced, and nobody is told                         |
| was idle for long                    | is replaced before anything is sent on it               |
| is new, and breaks                   | PublishError                                            |
| is to a server that                  |                                                         |
| ... the system's folder trusts       | is used, and the system's file is not read              |
| ... the system's file trusts         | is used, once that was read                             |
| ... neither trusts                   | carries nothing                                         |
"""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from functions.events.event import Event
from functions.queues.embedded.http_pool import Connections
from functions.queues.embedded.tls import Trust
from functions.queues.publisher import HttpPublisher, PublishError
from tests.support.google_cloud import GoogleCloud, serving
from tests.support.http_servers import Handler, listening

SECONDS = 20.0


class Queue(ThreadingHTTPServer):
    """Notes on which connection each request came; `closes` has it close each after its answer, unannounced."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.used: list[object] = []
        self.closes = False
        self.barrier = threading.Barrier(1)

    def handle_error(self, request: object, client_address: object) -> None:
        """Who no longer waits for an answer gets none."""

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


def test_a_connection_that_was_idle_for_long_is_not_used(queue: Queue) -> None:
    now = [0.0]
    connections = Connections(queue.url, SECONDS, lambda: now[0])
    for at in (0.0, 119.0, 238.0, 359.0):
        now[0] = at
        assert connections.post("", {}, b"") == (200, b"/queue")
    assert [queue.used.index(each) for each in queue.used] == [0, 0, 0, 3]


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"what?\r\n\r\n"])
def test_half_an_answer_is_none(text: bytes) -> None:
    with answering_once(text) as url, pytest.raises((OSError, HTTPException)):
        Connections(url, SECONDS).post("", {}, b"")


def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimeoutError):
        Connections(f"http://127.0.0.1:{server.getsockname()[1]}", 0.05).post("", {}, b"")


def test_there_may_be_less_time_than_usual(queue: Queue) -> None:
    connections = Connections(queue.url, SECONDS)
    connections.post("", {}, b"")
    queue.barrier = threading.Barrier(2)
    with pytest.raises(TimeoutError):
        connections.post("", {}, b"", seconds=0.05)
    queue.barrier.wait(SECONDS)


def test_a_publisher_says_which_topic_it_was() -> None:
    event = Event("1", "s", "t", "", {})
    with answering_once(b"") as url, pytest.raises(PublishError, match=r"topic github: the queue did not answer"):
        HttpPublisher(url).publish("github", event)
    refusing = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
    with answering_once(refusing) as url, pytest.raises(PublishError, match=r"topic github: .* 503: b'busy'"):
        HttpPublisher(url).publish("github", event)


def where(file: Path | None, folder: Path | None) -> ssl.DefaultVerifyPaths:
    found: dict[str, Any] = {"cafile": file and str(file), "capath": folder and str(folder)}
    return ssl.get_default_verify_paths()._replace(**found, openssl_cafile_env="")


@dataclass
class Https:
    """Whom to post to, and what vouches for it, by itself and in a folder by its hash."""

    cloud: GoogleCloud
    file: Path
    folder: Path

    def posted(self, trust: Trust) -> int:
        """The code of the answer."""
        body = json.dumps({"messages": [{"data": ""}]}).encode()
        found = Connections(self.cloud.secure_url, SECONDS, trust=trust).post("/t:publish", {}, body)
        return found[0]


@pytest.fixture
def https(tmp_path: Path, program: Callable[[str, str], str]) -> Iterator[Https]:
    with serving(tmp_path, ("localhost",)) as cloud:
        cloud.secure_url = cloud.secure_url.replace("127.0.0.1", "localhost")
        file, folder = tmp_path / "certificate.pem", tmp_path / "hashed"
        openssl = program("openssl", "apt-get install openssl")
        asked = [openssl, "x509", "-noout", "-hash", "-in", str(file)]
        name = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
        folder.mkdir()
        (folder / f"{name}.0").symlink_to(file)
        yield Https(cloud, file, folder)


def test_a_folder_of_certificates_does_without_the_file(https: Https, tmp_path: Path) -> None:
    trust = Trust(where(tmp_path / "nowhere.pem", https.folder))
    assert (https.posted(trust), trust.completed) == (200, False)
    assert https.posted(Trust(where(None, https.folder))) == 200


def test_the_file_is_read_where_the_folder_does_not_do(https: Https, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "0123abcd.0").symlink_to(tmp_path / "nowhere.pem")
    trust = Trust(where(https.file, other))
    for _ in range(2):
        assert (https.posted(trust), trust.completed) == (200, True)
    for untrusting in (where(None, other), where(None, None), where(None, tmp_path)):
        with pytest.raises(ssl.SSLCertVerificationError):
            https.posted(Trust(untrusting))
    assert len(https.cloud.published) == 2
