"""The time of reconcile beyond its own API calls: for one run from request to Job, and for a thousand at the same time.

- One run: seconds from the request to the creation of the Job, against the part of them spent in API calls.
- A thousand: runs per second in one process with eight threads, against the same calls made by the `kubernetes` package
  directly, and against a minimal kopf operator with as many threads and as many writes of the same objects and sizes.

The API server shares the processors of this machine with its clients and uses most of them. The raw calls, which decide
and render nothing, are the upper limit against kopf here. With an API server on another machine, a Python process is
limited by its own processor time, so that is compared too.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN
from functions.cluster.transport import Request as ApiRequest
from functions.cluster.transport import Transport
from functions.handlers import reconcile
from functions.serving.http import Request
from functions.submission.submit import submit
from tests.benchmarks import contest, crowd
from tests.benchmarks.contest import Spent
from tests.benchmarks.crowd import Connect
from tests.benchmarks.rows import Aim, Row
from tests.support.builders import CODE_SPEC

RUNS = 1_000
SINGLE = 60


@dataclass(slots=True)
class Timing:
    """A transport that adds up the seconds of its calls."""

    inner: Transport
    seconds: float = 0.0

    def send(self, request: ApiRequest) -> Any:
        begun = time.perf_counter()
        try:
            return self.inner.send(request)
        finally:
            self.seconds += time.perf_counter() - begun

    def stream(self, request: ApiRequest) -> Iterator[Any]:
        return self.inner.stream(request)


def rows() -> Iterator[Row]:
    """Yield the rows of each API server there is."""
    with tempfile.TemporaryDirectory() as name, crowd.servers(Path(name)) as servers:
        for server, connect in servers.items():
            total, calls = _single(connect)
            yield Row(f"submit to Job, {server} API server", total * 1e3, "ms", calls * 1e3, "its API calls", Aim(1.2))
            kubeconfig = crowd.kubeconfig(Path(name), server)
            contestants, real = contest.here(connect, kubeconfig), server == "real"
            if real:
                contestants |= contest.kopf(connect, kubeconfig)
            spent = contest.held(contestants, RUNS, connect() if real else None)
            ours, raw = spent["reconcile"].rate, spent["raw"].rate
            yield Row(f"reconciles, {server} API server", ours, "runs/s", raw, "raw calls", Aim(0.85, at_most=False))
            if real:
                yield from _against_kopf(spent)


def _against_kopf(spent: Mapping[str, Spent]) -> Iterator[Row]:
    """Yield rows without an aim: reconcile and kopf both wait for the API server, on the same processors."""
    ours, raw, kopf, default = (spent[name] for name in ("reconcile", "raw", "kopf", "kopf, defaults"))
    assert ours.writes_each == kopf.writes_each, f"{ours.writes_each}, but kopf {kopf.writes_each}"
    equal, more = "kopf, equal writes", "kopf, defaults"
    yield Row("reconciles, real API server", ours.rate, "runs/s", kopf.rate, equal)
    yield Row("raw calls, the upper limit", raw.rate, "runs/s", kopf.rate, equal)
    yield Row("processor time of the API server, per run", ours.server_cpu_each, "ms", kopf.server_cpu_each, equal)
    yield Row("processor time of reconcile, per run", ours.cpu_each, "ms", kopf.cpu_each, equal)
    yield Row("reconciles, real API server", ours.rate, "runs/s", default.rate, more)
    yield Row("writes, per run", sum(ours.writes_each.values()), "", sum(default.writes_each.values()), more)


def _single(connect: Connect) -> tuple[float, float]:
    """Return the seconds from a request to its Job, and the part of them spent in API calls; medians."""
    timing = Timing(connect())
    services, cluster = crowd.services(timing), Cluster(connect())
    totals, calls = [], []
    for number in range(SINGLE):
        spec = {**CODE_SPEC, "service": f"single-{number}"}
        headers = {"content-type": "application/json", "idempotency-key": f"single {number}"}
        timing.seconds, begun = 0.0, time.perf_counter()
        accepted = submit(services, "CodeRun", Request(headers, json.dumps(spec).encode()))
        took = time.perf_counter() - begun
        assert accepted.body
        raw = cluster.get(CODE_RUN, "orchestrator", accepted.body["data"]["name"])  # as the bridge receives it
        event = contest.event(raw)
        begun = time.perf_counter()
        reconcile.handle(services, event)
        totals.append(took + time.perf_counter() - begun)
        calls.append(timing.seconds)
    return median(totals), median(calls)
