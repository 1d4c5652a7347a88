"""The process `orchestrator watch`, as in its pod: start, health, and end.

start      ready once the first lists are in the queue; a wrong setting is named, exit code 1
SIGTERM    the workers' events are stored, exit code 0; the next bridge publishes the rest
           if the queue refuses them, the process logs it, exit code 1
SIGKILL    the next bridge publishes everything
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
from tests.bridge.conftest import PATIENCE, Bench, Host, until
from tests.support.installed import ROOT


class Command:
    """A process of the command, and its health endpoint."""

    def __init__(self, bench: Bench, log: Path, *options: str, **environ: str) -> None:
        settings = {
            "ORCHESTRATOR_NAMESPACE": bench.namespace,
            "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent",
            "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent",
            "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(bench.kubeconfig),
            "ORCHESTRATOR_QUEUES__URL": bench.queue.url,
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
        """Wait for the line with the health endpoint and return its URL."""
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
def watching(bench: Bench, log: Path, *options: str, **environ: str) -> Iterator[Command]:
    command = Command(bench, log, *options, **environ)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.process.kill()
        command.process.wait(PATIENCE)
        assert command.process.stdout
        command.process.stdout.close()


def test_second_bridge_publishes_the_rest_after_sigterm_of_a_busy_one(bench: Bench, tmp_path: Path) -> None:
    bench.create(*[f"r{number}" for number in range(30)])
    bench.queue.hold()
    with watching(bench, tmp_path / "first.log") as first:
        bench.queue.allow(5)
        until(
            lambda: len(bench.queue.events) == 5 and bench.queue.waiting >= WORKERS, "in the middle of its first list"
        )
        first.process.send_signal(signal.SIGTERM)
        bench.touch("r0")
        bench.queue.allow(WORKERS * len(TOPIC_BY_KIND))
        assert first.process.wait(PATIENCE) == 0, first.log.read_text()
    stored = len(bench.queue.events)
    assert 5 < stored <= 5 + WORKERS * len(TOPIC_BY_KIND)
    assert bench.queue.waiting == 0, "the workers' events were stored and acknowledged"
    bench.queue.allow()
    with watching(bench, tmp_path / "second.log") as second:
        second.ready()
        assert bench.versions() <= bench.published()
        bench.create("later")
        until(lambda: "later" in bench.queue.names(), "a change")
        assert second.end() == 0


def test_everything_is_published_after_sigkill_and_restart(embedded_bench: Bench, tmp_path: Path) -> None:
    bench = embedded_bench
    with watching(bench, tmp_path / "first.log") as first:
        first.ready()
        bench.create("seen", "changed")
        until(lambda: {"seen", "changed"} <= bench.queue.names(), "both")
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
    bench.create("unseen")
    bench.touch("changed")
    with watching(bench, tmp_path / "second.log") as second:
        second.ready()
        assert bench.versions() <= bench.published()


def test_process_ends_when_idle_and_right_after_its_start(embedded_bench: Bench, tmp_path: Path) -> None:
    with watching(embedded_bench, tmp_path / "idle.log") as idle:
        idle.ready()
        assert idle.end() == 0
    with watching(embedded_bench, tmp_path / "begun.log") as begun:
        begun.health()
        assert begun.end() == 0
    with watching(embedded_bench, tmp_path / "interrupted.log") as interrupted:
        interrupted.health()
        assert interrupted.end(signal.SIGINT) == 0


def test_process_ends_although_the_queue_refuses_events(embedded_bench: Bench, tmp_path: Path) -> None:
    bench = embedded_bench
    bench.create("a")
    bench.queue.refuse(True)
    with watching(bench, tmp_path / "log") as command:
        until(lambda: bench.queue.refusals, "a worker has one")
        assert command.end() == 1
        assert "before the queue had stored everything" in command.log.read_text()


def test_missing_rights_are_logged_once_as_errors(
    real_host: Host, bench_on: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = bench_on(real_host, [])
    with watching(bench, tmp_path / "log") as command:
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
def test_wrong_setting_or_option_is_named(
    embedded_bench: Bench, tmp_path: Path, environ: dict[str, str], options: tuple[str, ...], why: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = [option.format(taken=taken.getsockname()[1]) for option in options]
        with watching(embedded_bench, tmp_path / "log", *given, **environ) as command:
            assert command.process.wait(PATIENCE) == 1
    said = command.log.read_text()
    assert why in said
    assert "Traceback" not in said
