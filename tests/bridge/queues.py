"""A queue over HTTP that a test can slow down, let refuse events, or stop; it keeps its stored events."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from functions.queues.backends import connect
from functions.queues.publisher import Publisher
from functions.settings.queues import QueueSettings

STORED = 100_000
"""Permits for more events than any test publishes."""


@dataclass(frozen=True)
class Stored:
    """One event that was acknowledged."""

    topic: str
    type: str
    id: str
    subject: str
    data: Any

    @property
    def verb(self) -> str:
        return self.type.rsplit(".", 1)[-1]

    @property
    def name(self) -> str:
        return str(self.data["metadata"]["name"])


class QueueServer:
    """Answers publishes on `port`. An event needs a permit before it is stored; at first there are STORED permits."""

    def __init__(self) -> None:
        self.events: list[Stored] = []
        self.refusals = 0
        self._lock = threading.Lock()
        self._permits = threading.Semaphore(STORED)
        self._waiting = 0
        self._most_waiting = 0
        self._refusing = False
        self._server = self._listen(0)
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def publisher(self) -> Publisher:
        return connect(QueueSettings(url=self.url))

    @property
    def waiting(self) -> int:
        """Number of events that wait for a permit."""
        return self._waiting

    @property
    def most_waiting(self) -> int:
        """Maximum of events that waited at once."""
        return self._most_waiting

    def hold(self) -> None:
        """Withdraw all permits: an event is answered only after `allow`."""
        self._permits = threading.Semaphore(0)

    def allow(self, count: int = STORED) -> None:
        """Add permits for so many events."""
        self._permits.release(count)

    def refuse(self, refusing: bool) -> None:
        """Set whether events are answered with 503."""
        self._refusing = refusing

    def go_away(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    def come_back(self) -> None:
        """Listen again on the same port."""
        self._server = self._listen(self.port)

    def names(self, verb: str = "add") -> set[str]:
        """Return the names of the objects published with this verb."""
        with self._lock:
            return {event.name for event in self.events if event.verb == verb}

    def take(self, topic: str, headers: Any, body: bytes) -> int:
        """Store an event and return the status code of the answer."""
        with self._lock:
            if self._refusing:
                self.refusals += 1
                return 503
            self._waiting += 1
            self._most_waiting = max(self._most_waiting, self._waiting)
        self._permits.acquire()
        with self._lock:
            self._waiting -= 1
            subject = unquote(headers["ce-subject"])
            self.events.append(Stored(topic, headers["ce-type"], unquote(headers["ce-id"]), subject, json.loads(body)))
        return 200

    def _listen(self, port: int) -> ThreadingHTTPServer:
        server = _Server(("127.0.0.1", port), _handler(self))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(queue: QueueServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = queue.take(self.path.rsplit("/", 1)[-1], self.headers, body)
            answer = json.dumps({"messageId": "1"}).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client may have closed the connection
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Handler


@contextlib.contextmanager
def running() -> Iterator[QueueServer]:
    """Run a queue until the block ends."""
    queue = QueueServer()
    try:
        yield queue
    finally:
        queue.allow()
        with contextlib.suppress(OSError):
            queue.go_away()
