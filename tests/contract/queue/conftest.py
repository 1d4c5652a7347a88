"""The embedded queue over HTTP in a thread, and consumers with scripted answers."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3
import uvicorn

from functions.local.database import connect
from functions.local.queue import DeadLetterPolicy, Queue, RetryPolicy, Subscription, Topology, create_app
from tests.support.http_servers import listening
from tests.support.waiting import until

Answer = int | Callable[["Push"], int]


@dataclass(frozen=True)
class Push:
    """One request to a consumer; header names are in lower case."""

    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["ce-id"]


@dataclass
class Consumer:
    """Answers pushes with a status code, or with that which a function returns."""

    answer: Answer = 200
    retry_after: str | None = None
    pushes: list[Push] = field(default_factory=list)
    url: str = ""

    def ids(self) -> list[str]:
        return [push.id for push in self.pushes]

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}/"
        with listening(server):
            yield

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        consumer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                push = Push({name.lower(): value for name, value in self.headers.items()}, body, time.monotonic())
                consumer.pushes.append(push)
                answer = consumer.answer
                self.send_response(answer(push) if callable(answer) else answer)
                if consumer.retry_after:
                    self.send_header("Retry-After", consumer.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


class Broker:
    """An HTTP client of the queue."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=10.0)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._pool.request(method, self.url + path, body=body, headers=named)
        return answer.status, answer.json() if answer.data else None

    def publish(self, event: str, topic: str = "jobs", body: bytes = b"{}") -> None:
        headers = {"ce_id": event, "ce_source": "/tests", "ce_type": "tests.v1", "ce_specversion": "1.0"}
        status, answer = self.request("POST", f"/topics/{topic}", body, content_type="application/json", **headers)
        assert status == 200, answer

    def letters(self) -> list[dict[str, Any]]:
        return list(self.request("GET", "/dead/jobs-dead")[1]["letters"])

    def subscriptions(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.request("GET", "/subscriptions")[1]["subscriptions"]}


@contextmanager
def serve(queue: Queue) -> Iterator[Broker]:
    """Run the queue and its endpoints in a thread until the block ends."""
    server = uvicorn.Server(uvicorn.Config(create_app(queue), port=0, log_level="error", lifespan="off"))

    async def main() -> None:
        await queue.start()
        await server.serve()
        await queue.stop()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield Broker(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def consumer() -> Iterator[Consumer]:
    found = Consumer()
    with found.serving():
        yield found


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Return a factory for queues with the topic `jobs` and one push subscription per consumer."""
    with ExitStack() as stack:

        def make(*consumers: Consumer, attempts: int = 5, **options: Any) -> Broker:
            given: dict[str, Any] = {"retry": RetryPolicy(0.05, 0.4), "ack_deadline": 5.0, **options}
            subscriptions = tuple(
                Subscription(f"to-{number}", "jobs", each.url, DeadLetterPolicy("jobs-dead", attempts), **given)
                for number, each in enumerate(consumers)
            )
            topology = Topology(("jobs", "jobs-dead"), subscriptions)
            return stack.enter_context(serve(Queue(connect(tmp_path / "state.db"), topology)))

        yield make
