"""`orchestrator watch` as a process of its own, as in its pod: how it starts, serves its health, and ends.

start      ready only once the first lists are in the queue; what cannot work is named, with exit code 1
SIGTERM    idle, busy, or at once: the workers' events are stored, exit code 0; the next bridge publishes the rest
SIGKILL    the next one makes up for it
queue      hangs: it ends all the same, says so, and exits with 1
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from functions.bridge.bridge import TOPIC_BY_KIND
from functions.bridge.outbox import WORKERS
from tests.bridge.conftest import PATIENCE, Host, Stand, until
from tests.support.installed import ROOT


class Command:
    """The command, and where it answers for its health."""

    def __init__(self, stand: Stand, log: Path, *options: str, **environ: str) -> None:
        settings = {
            "ORCHESTRATOR_NAMESPACE": stand.namespace,
            "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent",
            "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent",
            "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(stand.kubeconfig),
            "ORCHESTRATOR_QUEUES__URL": stand.queue.url,
        }
        command = [sys.executable, "-m", "functions.clients", "watch", "--port", "0", *options]
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | settings | environ,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )

    def health(self) -> str:
        """Waits for the line that says where."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert "health: " in line, self.log.read_text()
        return line.split("health: ")[1].strip()

    def ready(self) -> None:
        url = self.health()
        until(lambda: urllib3.request("GET", f"{url}/ready", retries=False, timeout=10).status == 200, "ready")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def watching(stand: Stand, log: Path, *options: str, **environ: str) -> Iterator[Command]:
    command = Command(stand, log, *options, **environ)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.process.kill()
        command.process.wait(PATIENCE)
        assert command.process.stdout
        command.process.stdout.close()


def test_after_sigterm_while_busy_a_second_bridge_publishes_the_rest(stand: Stand, tmp_path: Path) -> None:
    stand.create(*[f"r{number}" for number in range(30)])
    stand.queue.hold()
    with watching(stand, tmp_path / "first.log") as first:
        stand.queue.allow(5)
        until(
            lambda: len(stand.queue.events) == 5 and stand.queue.waiting >= WORKERS, "in the middle of its first list"
        )
        first.process.send_signal(signal.SIGTERM)
        stand.touch("r0")
        stand.queue.allow(WORKERS * len(TOPIC_BY_KIND))
        assert first.process.wait(PATIENCE) == 0, first.log.read_text()
    stored = len(stand.queue.events)
    assert 5 < stored <= 5 + WORKERS * len(TOPIC_BY_KIND)
    assert stand.queue.waiting == 0, "the workers' events were stored and acknowledged"
    stand.queue.allow()
    with watching(stand, tmp_path / "second.log") as second:
        second.ready()
        assert stand.versions() <= stand.published()
        stand.create("later")
        until(lambda: "later" in stand.queue.names(), "a change")
        assert second.end() == 0


def test_after_a_kill_and_restart_everything_is_published(embedded_stand: Stand, tmp_path: Path) -> None:
    stand = embedded_stand
    with watching(stand, tmp_path / "first.log") as first:
        first.ready()
        stand.create("seen", "changed")
        until(lambda: {"seen", "changed"} <= stand.queue.names(), "both")
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
    stand.create("unseen")
    stand.touch("changed")
    with watching(stand, tmp_path / "second.log") as second:
        second.ready()
        assert stand.versions() <= stand.published()


def test_it_ends_when_it_is_idle_and_when_it_has_hardly_begun(embedded_stand: Stand, tmp_path: Path) -> None:
    with watching(embedded_stand, tmp_path / "idle.log") as idle:
        idle.ready()
        assert idle.end() == 0
    with watching(embedded_stand, tmp_path / "begun.log") as begun:
        begun.health()
        assert begun.end() == 0
    with watching(embedded_stand, tmp_path / "interrupted.log") as interrupted:
        interrupted.health()
        assert interrupted.end(signal.SIGINT) == 0


def test_a_queue_that_takes_nothing_does_not_keep_it(embedded_stand: Stand, tmp_path: Path) -> None:
    stand = embedded_stand
    stand.create("a")
    stand.queue.refuse(True)
    with watching(stand, tmp_path / "log") as command:
        until(lambda: stand.queue.refusals, "a worker has one")
        assert command.end() == 1
        assert "before the queue had stored everything" in command.log.read_text()


def test_rights_that_are_missing_are_logged_at_error_once(
    real_host: Host, stand_on: Callable[..., Stand], tmp_path: Path
) -> None:
    stand = stand_on(real_host, [])
    with watching(stand, tmp_path / "log") as command:
        url = command.health()
        until(
            lambda: urllib3.request("GET", f"{url}/live", retries=False, timeout=30).json()["watches"]["jobs"][
                "trouble"
            ],
            "it",
        )
        until(lambda: command.log.read_text().count("Forbidden") >= len(TOPIC_BY_KIND), "a line for each kind")
        assert urllib3.request("GET", f"{url}/live", retries=False, timeout=30).status == 200
        assert urllib3.request("GET", f"{url}/ready", retries=False, timeout=30).status == 503
        assert command.end() == 0
    lines = [json.loads(line) for line in command.log.read_text().splitlines() if line.startswith("{")]
    assert [line["severity"] for line in lines] == ["ERROR"] * len(TOPIC_BY_KIND)
    assert all("Forbidden" in line["message"] and "cannot list" in line["message"] for line in lines)


@pytest.mark.parametrize(
    ("environ", "options", "why"),
    [
        ({"ORCHESTRATOR_QUEUES__URL": ""}, (), "queues."),
        ({"ORCHESTRATOR_NAMESPCE": "x"}, (), "setting namespce"),
        ({}, ("--port", "{taken}"), "--port: cannot listen on 127.0.0.1"),
        ({}, ("--host", "not an address"), "cannot listen on not an address"),
    ],
)
def test_what_cannot_work_is_named(
    embedded_stand: Stand, tmp_path: Path, environ: dict[str, str], options: tuple[str, ...], why: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = [option.format(taken=taken.getsockname()[1]) for option in options]
        with watching(embedded_stand, tmp_path / "log", *given, **environ) as command:
            assert command.process.wait(PATIENCE) == 1
    said = command.log.read_text()
    assert why in said
    assert "Traceback" not in said
