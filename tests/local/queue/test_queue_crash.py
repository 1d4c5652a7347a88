"""No published event is lost when the process of the queue is killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3

from tests.support.waiting import until

HOST = Path(__file__).with_name("host.py")
HOST_ENVIRON = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}


class Consumer:
    def __init__(self) -> None:
        self.ids: list[str] = []
        self.answer = 200
        self.hold = threading.Event()
        self.hold.set()
        consumer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                consumer.ids.append(self.headers["ce-id"])
                consumer.hold.wait(20)
                self.send_response(consumer.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def consumer() -> Iterator[Consumer]:
    found = Consumer()
    yield found
    found.close()


@contextmanager
def hosted(database: Path, consumer: Consumer) -> Iterator[str]:
    """Yield the URL of a queue's process, which gets SIGKILL when the block ends."""
    process = subprocess.Popen(
        [sys.executable, HOST, database, consumer.url], env=HOST_ENVIRON, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def publish(url: str, event: str) -> bool:
    headers = {"ce-id": event, "ce-source": "/t", "ce-type": "t", "ce-specversion": "1.0"}
    try:
        return urllib3.request("POST", f"{url}/topics/jobs", headers=headers, retries=False, timeout=30).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def test_unacknowledged_event_is_delivered_after_a_restart(tmp_path, consumer):
    consumer.answer = 500
    with hosted(tmp_path / "state.db", consumer) as url:
        assert publish(url, "one")
    consumer.answer = 200
    consumer.ids.clear()
    with hosted(tmp_path / "state.db", consumer):
        until(lambda: consumer.ids == ["one"])


def test_event_in_delivery_is_delivered_again_at_once_after_a_restart(tmp_path, consumer):
    consumer.hold.clear()
    with hosted(tmp_path / "state.db", consumer) as url:
        publish(url, "one")
        until(lambda: consumer.ids == ["one"])
    consumer.hold.set()
    with hosted(tmp_path / "state.db", consumer):
        until(lambda: consumer.ids == ["one", "one"])


def test_acknowledged_event_is_not_delivered_again_after_a_restart(tmp_path, consumer):
    with hosted(tmp_path / "state.db", consumer) as url:
        publish(url, "one")
        until(
            lambda: urllib3.request("GET", f"{url}/subscriptions", timeout=30).json()["subscriptions"][0]["acked"] == 1
        )
    with hosted(tmp_path / "state.db", consumer) as url:
        publish(url, "two")
        until(lambda: "two" in consumer.ids)
    assert consumer.ids == ["one", "two"]


def test_every_event_answered_with_200_is_delivered_after_a_kill(tmp_path, consumer):
    stored: list[str] = []
    with hosted(tmp_path / "state.db", consumer) as url:
        workers = [threading.Thread(target=_publish_until_cut, args=(url, n, stored)) for n in range(4)]
        for worker in workers:
            worker.start()
        until(lambda: len(stored) > 100)
    for worker in workers:
        worker.join()
    with hosted(tmp_path / "state.db", consumer):
        until(lambda: set(stored) <= set(consumer.ids))


def _publish_until_cut(url: str, worker: int, stored: list[str]) -> None:
    """Publish until the process has ended; append the events that were answered with 200 to `stored`."""
    number = 0
    while publish(url, f"{worker}-{number}"):
        stored.append(f"{worker}-{number}")
        number += 1
