"""What reconcile adds to its own API calls: for one run from request to Job, and for a thousand at once.

- One run: seconds from the request to the Job's creation, against those spent in the API calls on the way.
- A thousand: runs per second in one process with eight threads, against the same calls made raw by as many threads,
  and against a minimal kopf operator that makes as many writes with as many threads on the same server.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN
from functions.cluster.transport import Transport
from functions.handlers import reconcile, submit
from functions.handlers.http import Request, answer
from functions.handlers.services import Services
from functions.runs.run import Run
from tests.benchmarks import crowd
from tests.benchmarks.crowd import THREADS, Connect
from tests.benchmarks.replay import Replay, Timing
from tests.benchmarks.rows import Aim, Row
from tests.benchmarks.work import changed
from tests.support.api import ROOT, Counting
from tests.support.builders import CODE_SPEC

RUNS = 1_000
SINGLE = 60
OPERATOR_SECONDS = 180


def rows() -> Iterator[Row]:
    """For each server there is."""
    with tempfile.TemporaryDirectory() as name, crowd.servers(Path(name)) as servers:
        for server, connect in servers.items():
            total, calls = _single(connect)
            yield Row(
                f"submit to Job, {server} API server", total * 1e3, "ms", calls * 1e3, "its API calls", Aim(1.3)
            )
            raw, reconciled = _rates(connect)
            yield Row(
                f"reconciles, {server} API server", reconciled, "runs/s", raw, "raw calls", Aim(0.7, at_most=False)
            )
            if server == "real":
                kopf = _operator(Path(name), connect)
                yield Row("reconciles, real API server", reconciled, "runs/s", kopf, "kopf", Aim(2, at_most=False))


def _single(connect: Connect) -> tuple[float, float]:
    """Seconds from a request to its Job, and those of them spent in API calls; medians."""
    timing = Timing(connect())
    services, cluster = crowd.services(timing), Cluster(connect())
    totals, calls = [], []
    for number in range(SINGLE):
        spec = {**CODE_SPEC, "service": f"single-{number}"}
        headers = {"content-type": "application/json", "idempotency-key": f"single {number}"}
        timing.seconds, begun = 0.0, time.perf_counter()
        accepted = submit.handle(services, "CodeRun", Request(headers, json.dumps(spec).encode()))
        took = time.perf_counter() - begun
        assert accepted.body
        raw = cluster.get(CODE_RUN, "orchestrator", accepted.body["data"]["name"])  # as the bridge gets it
        event = _event(raw)
        begun = time.perf_counter()
        reconcile.handle(services, event)
        totals.append(took + time.perf_counter() - begun)
        calls.append(timing.seconds)
    return median(totals), median(calls)


def _event(raw: object) -> Request:
    post = changed(raw, "add")  # type: ignore[arg-type]
    return Request(post.headers, post.body)


def _rates(connect: Connect) -> tuple[float, float]:
    """Runs per second: raw calls, reconcile; in turn, in halves, so that a server that slows down slows both."""
    transport = connect()
    ((number, run),) = crowd.made(transport, 1).items()
    counting = Counting(transport)
    reconcile.handle(crowd.services(counting), _event(run.raw))
    replay, services = Replay(run, number, list(counting.calls)), crowd.services(transport)
    raw, reconciled = [], []
    for _ in range(2):
        raw.append(_rate(transport, lambda number, run: replay.send(transport, run, number)))
        reconciled.append(_rate(transport, lambda _, run: _reconcile(services, _event(run.raw))))
    return 2 / sum(1 / each for each in raw), 2 / sum(1 / each for each in reconciled)


def _reconcile(services: Services, event: Request) -> None:
    found = answer(lambda asked: reconcile.handle(services, asked), event)
    assert found.code == 204, found


def _rate(transport: Transport, work: Callable[[str, Run], None]) -> float:
    runs = crowd.made(transport, RUNS // 2)
    with ThreadPoolExecutor(THREADS) as pool:
        begun = time.perf_counter()
        list(pool.map(work, runs.keys(), runs.values()))
        return len(runs) / (time.perf_counter() - begun)


def _operator(folder: Path, connect: Connect) -> float:
    """Runs per second of the kopf operator."""
    transport = connect()
    file = folder / "plane" / "kubeconfig"
    cluster = Cluster(transport)
    old = [each["metadata"]["name"] for each in cluster.list(CODE_RUN, "orchestrator")]
    crowd.made(transport, RUNS)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.kopf_operator", str(file), str(RUNS)],
        input=json.dumps(old),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=OPERATOR_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return RUNS / float(json.loads(done.stdout.splitlines()[-1])["seconds"])
