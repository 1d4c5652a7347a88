"""What reconcile adds to its own API calls: for one run from request to Job, and for a thousand at once.

- One run: seconds from the request to the Job's creation, against those spent in the API calls on the way.
- A thousand: runs per second in one process with eight threads, against the same calls made raw by as many threads,
  and against a minimal kopf operator with as many threads on the same server, which makes as many writes of the same
  objects, as large.

The API server shares this machine's cores with its callers and takes more of them than they do: the raw calls, which
decide and render nothing, show the most that is possible against kopf here. Where it has a machine of its own, a
process of Python is bound by its own processor time, which is compared too.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN
from functions.handlers import reconcile
from functions.serving.http import Request
from functions.submission.submit import submit
from tests.benchmarks import contest, crowd
from tests.benchmarks.contest import Spent
from tests.benchmarks.crowd import Connect
from tests.benchmarks.replay import Timing
from tests.benchmarks.rows import Aim, Row
from tests.support.builders import CODE_SPEC

RUNS = 1_000
SINGLE = 60


def rows() -> Iterator[Row]:
    """For each server there is."""
    with tempfile.TemporaryDirectory() as name, crowd.servers(Path(name)) as servers:
        for server, connect in servers.items():
            total, calls = _single(connect)
            yield Row(f"submit to Job, {server} API server", total * 1e3, "ms", calls * 1e3, "its API calls", Aim(1.3))
            contestants, real = contest.here(connect()), server == "real"
            if real:
                contestants |= contest.kopf(connect, Path(name) / "plane" / "kubeconfig")
            spent = contest.held(contestants, RUNS, connect() if real else None)
            ours, raw = spent["reconcile"].rate, spent["raw"].rate
            yield Row(f"reconciles, {server} API server", ours, "runs/s", raw, "raw calls", Aim(0.7, at_most=False))
            if real:
                yield from _against_kopf(spent)


def _against_kopf(spent: Mapping[str, Spent]) -> Iterator[Row]:
    ours, raw, kopf, usual = (spent[name] for name in ("reconcile", "raw", "kopf", "kopf as it comes"))
    assert ours.writes_each == kopf.writes_each, f"{ours.writes_each}, but kopf {kopf.writes_each}"
    equal, more = "kopf, equal writes", "kopf as it comes"
    bound = (
        "Both wait for the API server, on the same processors: raw calls, the next row, are the most there could be."
    )
    yield Row("reconciles, real API server", ours.rate, "runs/s", kopf.rate, equal, Aim(2, at_most=False), bound)
    yield Row("raw calls, the most there could be", raw.rate, "runs/s", kopf.rate, equal)
    yield Row("the API server's processor time, a run", ours.server_cpu_each, "ms", kopf.server_cpu_each, equal)
    yield Row("reconcile's own processor time, a run", ours.cpu_each, "ms", kopf.cpu_each, equal)
    yield Row("reconciles, real API server", ours.rate, "runs/s", usual.rate, more)
    yield Row("writes, a run", sum(ours.writes_each.values()), "", sum(usual.writes_each.values()), more)


def _single(connect: Connect) -> tuple[float, float]:
    """Seconds from a request to its Job, and those of them spent in API calls; medians."""
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
        raw = cluster.get(CODE_RUN, "orchestrator", accepted.body["data"]["name"])  # as the bridge gets it
        event = contest.event(raw)
        begun = time.perf_counter()
        reconcile.handle(services, event)
        totals.append(took + time.perf_counter() - begun)
        calls.append(timing.seconds)
    return median(totals), median(calls)
