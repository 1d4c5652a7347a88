"""The ways to bring many runs from request to Job that are measured against each other, each over new runs.

They take turns, in parts, so that a machine that is busy and a server that slows down as it fills fall on all alike.
What is written is counted by the API server itself.
"""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from functions.cluster.client import Cluster
from functions.cluster.transport import Request, Transport
from functions.handlers import reconcile
from functions.local.dev.cluster import create_defaults
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request as Delivery
from functions.serving.http import answer
from tests.benchmarks import crowd
from tests.benchmarks.crowd import THREADS, Connect
from tests.benchmarks.replay import Replay
from tests.benchmarks.work import changed
from tests.support.api import ROOT, RecordingTransport

ROUNDS = 2
OPERATOR_SECONDS = 300
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
RESOURCES = frozenset({"coderuns", "configmaps", "events", "jobs", "persistentvolumeclaims"})


@dataclass
class Spent:
    """What so many runs took; what the API server did for them is known where it is one that counts."""

    counted: Transport | None = None
    runs: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    """Processor seconds of the process that drove them."""
    server_cpu: float = 0.0
    """Processor seconds of the API server."""
    writes: Counter[str] = field(default_factory=Counter)
    """By resource."""

    @property
    def rate(self) -> float:
        """Runs a second."""
        return self.runs / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds a run."""
        return self.cpu / self.runs * 1e3

    @property
    def server_cpu_each(self) -> float:
        """Milliseconds a run."""
        return self.server_cpu / self.runs * 1e3

    @property
    def writes_each(self) -> dict[str, float]:
        """Of each resource, a run; a conflict now and then is none of them."""
        return {name: round(count / self.runs, 1) for name, count in self.writes.items()}

    def add(self, seconds: float, cpu: float, runs: int) -> None:
        """One more part."""
        self.seconds, self.cpu, self.runs = self.seconds + seconds, self.cpu + cpu, self.runs + runs

    @contextmanager
    def served(self) -> Iterator[None]:
        """Adds what the API server does in the block."""
        writes, cpu = _served(self.counted)
        yield
        after, worked = _served(self.counted)
        self.writes, self.server_cpu = self.writes + (after - writes), self.server_cpu + worked - cpu


Contestant = Callable[[int, Spent], None]
"""Brings so many runs to their Jobs and adds what it spent."""


def held(contestants: Mapping[str, Contestant], runs: int, counted: Transport | None) -> dict[str, Spent]:
    """What each spent for so many runs; `counted` leads to an API server that counts what it does."""
    spent = {name: Spent(counted) for name in contestants}
    for _ in range(ROUNDS):
        for name, work in contestants.items():
            work(runs // ROUNDS, spent[name])
    return spent


def here(transport: Transport) -> dict[str, Contestant]:
    """Reconcile, and its calls made raw, in this process."""
    ((number, run),) = crowd.made(transport, 1).items()
    counting = RecordingTransport(transport)
    reconcile.handle(crowd.services(counting), event(run.raw))
    replay, services = Replay(run, number, list(counting.calls)), crowd.services(transport)
    return {
        "raw": partial(_threads, transport, lambda number, run: replay.send(transport, run, number)),
        "reconcile": partial(_threads, transport, lambda _, run: reconciled(services, run)),
    }


def reconciled(services: Dependencies, run: Run) -> None:
    """Has the run's event handled."""
    found = answer(lambda asked: reconcile.handle(services, asked), event(run.raw))
    assert found.code == 204, found


def event(raw: object) -> Delivery:
    """The watch event of a new run."""
    post = changed(raw, "add")  # type: ignore[arg-type]
    return Delivery(post.headers, post.body)


def _threads(transport: Transport, work: Callable[[str, Run], None], count: int, spent: Spent) -> None:
    runs = crowd.made(transport, count)
    with spent.served(), ThreadPoolExecutor(THREADS) as pool:
        begun, worked = time.perf_counter(), time.process_time()
        list(pool.map(work, runs.keys(), runs.values()))
        spent.add(time.perf_counter() - begun, time.process_time() - worked, count)


def kopf(connect: Connect, kubeconfig: Path) -> dict[str, Contestant]:
    """The kopf operator with as many writes, and as it comes."""
    return {
        "kopf": partial(_operator, connect(), kubeconfig, "memory"),
        "kopf as it comes": partial(_operator, connect(), kubeconfig, "annotation"),
    }


def _operator(transport: Transport, kubeconfig: Path, notes: str, count: int, spent: Spent) -> None:
    number = next(crowd.NUMBERS)
    namespace = f"kopf-{number}"  # of its own, so that it has nothing else to look at
    create_defaults(Cluster(transport), namespace, None)
    crowd.made(transport, count, namespace)
    command = [sys.executable, "-m", "tests.benchmarks.kopf_operator", str(kubeconfig), namespace, str(count), notes]
    with spent.served():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=OPERATOR_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    spent.add(said["seconds"], said["cpu"], count)


def _served(transport: Transport | None) -> tuple[Counter[str], float]:
    """Writes so far by resource, and processor seconds (kube-apiserver: its metrics)."""
    writes, cpu = Counter[str](), 0.0
    for line in _metrics(transport) if transport else ():
        if line.startswith("apiserver_request_total{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            if labels["verb"] in CHANGES and labels["resource"] in RESOURCES:
                writes[labels["resource"]] += int(float(line.rsplit(" ", 1)[1]))
        elif line.startswith("process_cpu_seconds_total "):
            cpu = float(line.split()[1])
    return writes, cpu


def _metrics(transport: Transport) -> Iterable[str]:
    return transport.stream(Request("GET", "/metrics", {}, text=True))
