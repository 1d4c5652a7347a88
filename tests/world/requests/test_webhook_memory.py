"""C8: the webhook decides on the headers before it reads a body, and holds few bodies at a time."""

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.github.webhook.signature import sign
from functions.handlers.github_webhook import LARGEST_BODY
from functions.serving.bodies import BODIES_IN_FLIGHT
from tests.world.requests.processes import Served, served

MIB = 1024 * 1024
SECRET = "It's a Secret to Everybody"
WRONG = "sha256=" + "0" * 64
AT_ONE_TIME = 40
"""The concurrency of a deployed instance (infra/terraform/locals.tf)."""


@contextmanager
def started(folder: Path) -> Iterator[Served]:
    environ = {
        "ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS": json.dumps([SECRET]),
        "ORCHESTRATOR_QUEUES__URL": "http://127.0.0.1:1",
        "THREADS": str(AT_ONE_TIME),
    }
    with served("github_webhook", folder, **environ) as found:
        yield found


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Served]:
    """Yield a webhook that has not read a body."""
    with started(tmp_path) as found:
        yield found


@dataclass(frozen=True)
class Flooded:
    """A webhook after 40 concurrent bodies with a wrong signature."""

    webhook: Served
    idle_memory: int
    codes: list[int]


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flooded]:
    with started(tmp_path_factory.mktemp("webhook")) as found:
        idle = found.memory()
        yield Flooded(found, idle, post_many(found, LARGEST_BODY, WRONG))


def head(method: str = "POST", length: int = LARGEST_BODY, **headers: str) -> bytes:
    """Return a request's head, without its body."""
    lines = [f"{method} / HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {length}"]
    named = [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, *named, "", ""]).encode()


def answered(webhook: Served, request: bytes) -> tuple[int, bytes]:
    """Return the answer to a partial request while the connection stays open."""
    with socket.create_connection(("127.0.0.1", webhook.port), timeout=60) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


@pytest.mark.parametrize(
    ("request_head", "code", "named"),
    [
        (head(), 401, b"X-Hub-Signature-256"),
        (head(X_Hub_Signature="sha1=" + "0" * 40), 401, b"X-Hub-Signature-256"),
        (head(X_Hub_Signature_256="sha256=short"), 403, b"64 hexadecimal digits"),
        (head(X_Hub_Signature_256="sha1=" + "0" * 64), 403, b"64 hexadecimal digits"),
        (head(length=LARGEST_BODY + 1, X_Hub_Signature_256=WRONG), 413, b"26214400 bytes"),
        (head("PUT", X_Hub_Signature_256=WRONG), 405, b"send POST"),
    ],
)
def test_headers_are_refused_before_the_body_is_sent(
    flooded: Flooded, request_head: bytes, code: int, named: bytes
) -> None:
    status, body = answered(flooded.webhook, request_head)
    assert status == code
    assert named in body
    assert json.loads(body)["success"] is False


def post(webhook: Served, size: int, signature: str = "") -> int:
    """Send a delivery of `size` bytes; return the status code, or 0 if the connection was reset."""
    connection = http.client.HTTPConnection("127.0.0.1", webhook.port, timeout=100)
    headers = {"content-type": "application/json", "content-length": str(size)}
    if signature:
        headers["x-hub-signature-256"] = signature
    try:
        connection.request("POST", "/", (b" " * MIB for _ in range(size // MIB)), headers)
        return connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):  # the webhook's read timeout expired on a busy machine
        return 0
    finally:
        connection.close()


def post_many(webhook: Served, size: int, signature: str = "") -> list[int]:
    with ThreadPoolExecutor(AT_ONE_TIME) as pool:
        return list(pool.map(lambda _: post(webhook, size, signature), range(AT_ONE_TIME)))


def test_40_unsigned_bodies_of_25_mb_take_no_memory(idle: Served) -> None:
    memory = idle.memory()
    assert set(post_many(idle, LARGEST_BODY)) - {0} == {401}
    assert idle.peak() < 1.5 * memory


def test_oversized_bodies_are_not_read_into_memory(idle: Served) -> None:
    memory = idle.memory()
    assert set(post_many(idle, LARGEST_BODY + MIB, WRONG)) - {0} == {413}
    assert idle.peak() < 1.5 * memory


def test_signed_bodies_share_a_memory_budget(flooded: Flooded) -> None:
    assert 403 in flooded.codes
    assert set(flooded.codes) <= {403, 503, 0}
    assert flooded.webhook.peak() < flooded.idle_memory + 3 * BODIES_IN_FLIGHT, (
        "each body is copied once while it is read"
    )


def test_webhook_verifies_deliveries_after_the_flood(flooded: Flooded) -> None:
    ping = json.dumps({"zen": "Keep it logically awesome."}).encode()
    signed = {"X_Hub_Signature_256": sign(ping, SECRET), "X_GitHub_Event": "ping", "X_GitHub_Delivery": "1"}
    status, body = answered(flooded.webhook, head(length=len(ping), **signed) + ping)
    assert (status, json.loads(body)["success"]) == (200, True)
