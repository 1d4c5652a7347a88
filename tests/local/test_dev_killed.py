"""`orchestrator dev` is killed with SIGKILL while runs work, and started again."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import RUNS
from functions.local.dev.repositories import EXAMPLE_URL, Mirror
from functions.queues.topology import FUNCTIONS
from functions.runs.lifecycle import states
from functions.runs.model.run import Run, parse
from tests.support.kubeconfigs import cluster_of
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
RUNS_AT_ONCE = 6
STARTED = re.compile(r"run=\S+/(\S+) attempt=(\d+)")


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive free ports."""
    for first in range(20_000, 30_000, count):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for offset, each in enumerate(sockets):
                each.bind(("127.0.0.1", first + offset))
            return first
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no free ports")


class Dev:
    """The command as a user runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(len(FUNCTIONS) + 1)
        self.starts = folder / "starts"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        environ = os.environ | {
            "REHEARSAL_SECONDS": "2",
            "REHEARSAL_LOG": str(self.starts),
            "ORCHESTRATOR_JOB__MAX_RETRIES": "5",
        }
        environ.pop("ANTHROPIC_API_KEY", None)
        command = [sys.executable, "-m", "functions.clients", "dev"]
        options = ["--port", str(self.port), "--state", str(self.folder / "state")]
        with (self.folder / "dev.log").open("a") as log:
            self.process = subprocess.Popen(
                [*command, *options], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("Ready"):
                return
        raise AssertionError((self.folder / "dev.log").read_text()[-2000:])

    def end(self, number: signal.Signals) -> int:
        """Send the signal to the command alone, not to its children; return the exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(30)

    def submit(self, service: str) -> str:
        spec = {"repositoryUrl": EXAMPLE_URL, "platformRepositoryUrl": EXAMPLE_URL, "githubUser": "octocat"}
        body = json.dumps(spec | {"taskId": 1, "service": service, "model": "claude-x"})
        url = f"http://127.0.0.1:{self.port + 1 + FUNCTIONS.index('submit_code')}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        answer = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=30)
        assert answer.status == 201, answer.data
        return str(answer.json()["data"]["name"])

    @property
    def cluster(self) -> Cluster:
        return cluster_of(self.folder / "state" / "kubeconfig")

    def runs(self) -> list[Run]:
        return [parse(raw) for raw in self.cluster.list(RUNS["CodeRun"], "orchestrator")]


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    found = Dev(tmp_path)
    found.start()
    yield found
    if found.process and found.process.poll() is None:
        found.end(signal.SIGTERM)


def test_second_dev_on_the_same_state_is_refused_and_does_not_disturb_the_first(dev: Dev) -> None:
    assert dev.process
    before = (dev.folder / "state" / "kubeconfig").read_text()
    second = [sys.executable, "-m", "functions.clients", "dev", "--port", "1", "--state", str(dev.folder / "state")]
    done = subprocess.run(second, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "another orchestrator works in" in done.stderr) == (1, True)
    assert (dev.folder / "state" / "kubeconfig").read_text() == before
    assert (dev.folder / "state").stat().st_mode & 0o777 == 0o700
    dev.submit("still-served")


@pytest.mark.timeout(240)
def test_every_run_succeeds_once_although_dev_is_killed_and_restarted(dev: Dev) -> None:
    names = [dev.submit(f"s{number}") for number in range(RUNS_AT_ONCE)]
    for wait in (0.5, 1.5):
        until(lambda: any(run.status.phase == "Running" for run in dev.runs()), every=0.2)
        time.sleep(wait)  # a kill while some agents start, others work or push
        assert dev.end(signal.SIGKILL) == -signal.SIGKILL
        dev.start()
    until(lambda: all(states.state(run.status) in states.FINISHED for run in dev.runs()), 120, every=0.2)
    runs = {run.name: run for run in dev.runs()}
    assert sorted(runs) == sorted(names)
    assert {run.status.phase for run in runs.values()} == {"Succeeded"}
    started = Counter(STARTED.findall(dev.starts.read_text()))
    assert started, "no agent was started"
    assert set(started.values()) == {1}, "an attempt started its agent more than once"
    mirror = Mirror(EXAMPLE_URL, dev.folder / "state" / "repositories" / "inventory.git")
    for run in runs.values():
        assert mirror.commits(run.status.branch or "", "main") >= 1
    assert dev.end(signal.SIGTERM) == 130
