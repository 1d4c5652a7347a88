"""Each function starts alone with functions-framework, from an unpacked copy without an installation."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

from functions.local.dev.server import free_port
from functions.queues.topology import FUNCTIONS
from tests.support.github.app import App

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent",
    "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent",
}
GITHUB = {
    "ORCHESTRATOR_GITHUB__APP_ID": "1",
    "ORCHESTRATOR_GITHUB__PRIVATE_KEY": App().private_key,
    "ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS": '["s"]',
    "ORCHESTRATOR_QUEUES__URL": "http://127.0.0.1:1",
}
"""Settings that the GitHub functions require."""
ANSWERS = {"submit_docs": 415, "submit_code": 415, "sweep": 503, "github_webhook": 401}
"""Status codes for an empty body; the other functions answer 400."""
CLEAN = {name: text for name, text in os.environ.items() if not name.startswith(("ORCHESTRATOR_", "PYTHONPATH"))}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    for name in ("functions", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def command(unpacked: Path, target: str, port: int) -> list[str]:
    framework = shutil.which("functions-framework", path=str(Path(sys.executable).parent))
    assert framework, "functions-framework must be installed beside the interpreter"
    source = str(unpacked / "functions" / "main.py")
    return [framework, "--source", source, "--target", target, "--host", "127.0.0.1", "--port", str(port)]


MALFORMED = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nno number\r\n{}\r\n0\r\n\r\n"
)
"""A request whose body has a chunk without a length."""


def spoken(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Return head and body of the answer to a raw request."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("target", [*FUNCTIONS, "github_webhook"])
def test_function_answers_from_an_unpacked_copy(unpacked: Path, target: str, tmp_path: Path) -> None:
    port = free_port()
    environ = CLEAN | SETTINGS | (GITHUB if "github" in target else {})
    process = subprocess.Popen(command(unpacked, target, port), cwd=tmp_path, env=environ, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                answer = urllib3.request("GET", f"http://127.0.0.1:{port}/health", retries=False, timeout=2)
                break
            except urllib3.exceptions.HTTPError:
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                assert time.monotonic() < end
                time.sleep(0.05)
        assert (answer.status, answer.json()["status"]) == (200, "ok")
        refused = urllib3.request("POST", f"http://127.0.0.1:{port}/", body=b"{", retries=False, timeout=30)
        assert refused.status == ANSWERS.get(target, 400)
        head, body = spoken(port, MALFORMED)
        if target == "github_webhook":  # it refuses a request without a signature before it reads the body
            assert head.startswith(b"HTTP/1.1 401 ")
        else:
            assert head.startswith(b"HTTP/1.1 400 ")
            assert json.loads(body)["errors"][0]["field"] == "body"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize(
    ("target", "lacking", "named"),
    [
        ("github_webhook", "WEBHOOK_SECRETS", b"setting github.webhook_secrets"),
        ("github_webhook", "QUEUES", b"queues.url"),
        ("github_event", "APP_ID|PRIVATE_KEY", b"github.app_id"),
    ],
)
def test_missing_setting_stops_only_the_function_that_needs_it(
    unpacked: Path, tmp_path: Path, target: str, lacking: str, named: bytes
) -> None:
    environ = CLEAN | SETTINGS | {name: text for name, text in GITHUB.items() if not re.search(lacking, name)}
    command_line = command(unpacked, target, free_port())
    done = subprocess.run(command_line, cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    assert named in done.stderr


def test_function_without_an_agent_image_names_the_setting_and_exits(unpacked: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command(unpacked, "reconcile", free_port()),
        cwd=tmp_path,
        env=CLEAN,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert b'"severity": "ERROR"' in done.stderr
    assert b"ORCHESTRATOR_AGENT__IMAGE" in done.stderr
