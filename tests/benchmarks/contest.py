"""Ways to bring many runs from request to Job, measured against each other over new runs.

They take turns, in parts, so that other load on the machine and a server that slows down as it fills affect all alike.
The API server counts the writes.
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
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.transport import Request, Transport
from functions.handlers import reconcile
from functions.local.dev.cluster import create_defaults
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request as Delivery
from functions.serving.http import answer
from tests.benchmarks import crowd
from tests.benchmarks.bare.cluster import Cluster as BareCluster
from tests.benchmarks.crowd import THREADS, Connect
from tests.benchmarks.recording import Call, Recording, RecordingCluster
from tests.benchmarks.work import changed
from tests.support.api import ROOT

ROUNDS = 2
OPERATOR_SECONDS = 300
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
RESOURCES = frozenset({"coderuns", "configmaps", "events", "jobs", "persistentvolumeclaims"})


@dataclass
class Spent:
    """The cost of `runs` runs. The API server's share is known only if `counted` leads to one with metrics."""

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
        """Runs per second."""
        return self.runs / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds per run."""
        return self.cpu / self.runs * 1e3

    @property
    def server_cpu_each(self) -> float:
        """Milliseconds per run."""
        return self.server_cpu / self.runs * 1e3

    @property
    def writes_each(self) -> dict[str, float]:
        """By resource, per run, rounded so that a rare conflict does not count."""
        return {name: round(count / self.runs, 1) for name, count in self.writes.items()}

    def add(self, seconds: float, cpu: float, runs: int) -> None:
        """Add one more part."""
        self.seconds, self.cpu, self.runs = self.seconds + seconds, self.cpu + cpu, self.runs + runs

    @contextmanager
    def served(self) -> Iterator[None]:
        """Add the work of the API server during the block."""
        writes, cpu = _served(self.counted)
        yield
        after, worked = _served(self.counted)
        self.writes, self.server_cpu = self.writes + (after - writes), self.server_cpu + worked - cpu


Contestant = Callable[[int, Spent], None]
"""Brings a number of runs to their Jobs and adds the cost."""


def held(contestants: Mapping[str, Contestant], runs: int, counted: Transport | None) -> dict[str, Spent]:
    """Return the cost of each contestant for `runs` runs; `counted` leads to an API server with metrics."""
    spent = {name: Spent(counted) for name in contestants}
    for _ in range(ROUNDS):
        for name, work in contestants.items():
            work(runs // ROUNDS, spent[name])
    return spent


def here(connect: Connect, kubeconfig: Path) -> dict[str, Contestant]:
    """Return reconcile, and its calls made by the `kubernetes` package directly, both in this process."""
    transport, calls = connect(), list[Call]()
    ((number, run),) = crowd.made(transport, 1).items()
    reconcile.handle(crowd.services(RecordingCluster(transport, calls)), event(run.raw))
    recording, bare, services = (
        Recording(calls, [], number, run.uid),
        BareCluster(str(kubeconfig)),
        crowd.services(transport),
    )
    return {
        "raw": partial(_threads, transport, partial(_raw, bare, recording)),
        "reconcile": partial(_threads, transport, lambda _, run: partial(reconciled, services, event(run.raw))),
    }


def _raw(bare: BareCluster, recording: Recording, number: str, run: Run) -> Callable[[], None]:
    first, _ = recording.calls(number, run.uid)

    def send() -> None:
        versions: dict[str, str] = {}
        for call in first:
            bare.send(call, versions)

    return send


def reconciled(services: Dependencies, delivery: Delivery) -> None:
    """Handle an event, which must be answered with 204."""
    found = answer(lambda asked: reconcile.handle(services, asked), delivery)
    assert found.code == 204, found


def event(raw: Mapping[str, Any]) -> Delivery:
    """Return the watch event of a new run."""
    post = changed(raw, "add")
    return Delivery(post.headers, post.body)


Prepare = Callable[[str, Run], Callable[[], None]]
"""Returns the work on one run, given its number; what is prepared is not measured."""


def _threads(transport: Transport, prepare: Prepare, count: int, spent: Spent) -> None:
    works = [prepare(number, run) for number, run in crowd.made(transport, count).items()]
    with spent.served(), ThreadPoolExecutor(THREADS) as pool:
        begun, worked = time.perf_counter(), time.process_time()
        list(pool.map(lambda work: work(), works))
        spent.add(time.perf_counter() - begun, time.process_time() - worked, count)


def kopf(connect: Connect, kubeconfig: Path) -> dict[str, Contestant]:
    """Return the kopf operator with equal writes, and with its defaults."""
    return {
        "kopf": partial(_operator, connect(), kubeconfig, "memory"),
        "kopf, defaults": partial(_operator, connect(), kubeconfig, "annotation"),
    }


def _operator(transport: Transport, kubeconfig: Path, notes: str, count: int, spent: Spent) -> None:
    number = next(crowd.NUMBERS)
    namespace = f"kopf-{number}"  # a new one, so that the operator sees no other runs
    create_defaults(Cluster(transport), namespace, {})
    crowd.made(transport, count, namespace)
    command = [sys.executable, "-m", "tests.benchmarks.kopf_operator", str(kubeconfig), namespace, str(count), notes]
    with spent.served():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=OPERATOR_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    spent.add(said["seconds"], said["cpu"], count)


def _served(transport: Transport | None) -> tuple[Counter[str], float]:
    """Return the writes by resource and the processor seconds so far (kube-apiserver: metrics)."""
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
