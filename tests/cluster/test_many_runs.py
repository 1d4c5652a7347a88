"""Many runs submitted at once, on a real API server with the real Job controller: all finish, each exactly once.

Everything is as deployed: each function with its own connections and the functions' user's rights, events from the
real bridge as the bridge's user, a sweep now and then; deliveries come at least once and some of them twice. Played
are the queue (in memory) and the kubelet. 1,000 runs at SCALE=1.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.bridge.bridge import Bridge
from functions.bridge.watched import WATCHED
from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, DOCS_RUN, JOB, POD, RUNS
from functions.handlers import job_finished, reconcile, submit, sweep
from functions.handlers.http import Request, answer
from functions.handlers.services import Services
from functions.runs import naming
from functions.runs.run import Run, parse
from tests.cluster.conftest import BRIDGE_USER, CROWD, FUNCTIONS_USER, connect
from tests.cluster.crowd import Deliver, Kubelet, Pump
from tests.conftest import SCALE
from tests.life.test_run import DONE
from tests.support.builders import CODE_SPEC, DOCS_SPEC, settings
from tests.support.control_plane import ControlPlane

COUNT = max(int(1000 * SCALE), 20)
PATIENCE = 120 + 0.6 * COUNT
"""Seconds after which they are given up; on an idle machine with two cores they need a fourth of it."""
SWEEP_SECONDS = 20
HANDLERS, KUBELETS, CALLERS = 8, 4, 8


def function(plane: ControlPlane, handle: Callable[[Services, Request], Any]) -> Deliver:
    """A deployed function: with connections of its own, as the functions' user."""
    cluster = Cluster(connect(plane, FUNCTIONS_USER))
    services = Services(settings(namespace=CROWD), cluster, lambda: datetime.now(UTC))
    return lambda request: answer(lambda asked: handle(services, asked), request)


def request(number: int) -> tuple[str, Request]:
    """One run each of its own: every fourth for docs."""
    headers = {"content-type": "application/json", "idempotency-key": f"many-{number}"}
    if number % 4 == 0:
        spec = {**DOCS_SPEC, "workingDirectory": f"part-{number}"}
        return "DocsRun", Request(headers, json.dumps(spec).encode())
    return "CodeRun", Request(headers, json.dumps({**CODE_SPEC, "service": f"s-{number}"}).encode())


def submitting(plane: ControlPlane, kind: str) -> Deliver:
    return function(plane, lambda services, asked: submit.handle(services, kind, asked))


def submitted(plane: ControlPlane) -> None:
    """All at once; some callers lose the answer and send the same again."""
    targets = {kind: submitting(plane, kind) for kind in RUNS}

    def send(number: int) -> list[int]:
        kind, asked = request(number)
        return [targets[kind](asked).code for _ in range(2 if number % 10 == 0 else 1)]

    with ThreadPoolExecutor(CALLERS) as pool:
        codes = list(pool.map(send, range(COUNT)))
    assert all(found in ([201], [201, 200]) for found in codes), Counter(map(tuple, codes))


def swept(plane: ControlPlane, stopping: threading.Event) -> None:
    target = function(plane, sweep.handle)
    while not stopping.wait(SWEEP_SECONDS):
        target(Request({}, b""))


def runs(admin: Cluster) -> list[Run]:
    return [parse(raw) for kind in (CODE_RUN, DOCS_RUN) for raw in admin.list(kind, CROWD)]


def until_finished(admin: Cluster) -> None:
    end = time.monotonic() + PATIENCE
    while left := sum(len(list(admin.list(kind, CROWD, f"!{naming.FINISHED}"))) for kind in RUNS.values()):
        assert time.monotonic() < end, f"{left} of {COUNT} runs did not finish in time"
        time.sleep(2)


@pytest.mark.timeout(int(PATIENCE) + 120)
def test_each_of_many_runs_finishes_exactly_once(
    plane: ControlPlane, record_property: Callable[[str, object], None]
) -> None:
    begun, seed = time.monotonic(), random.SystemRandom().randrange(10**6)
    admin = Cluster(connect(plane))
    kubelet = Kubelet(admin, CROWD, DONE, KUBELETS)
    handlers = [function(plane, reconcile.handle), function(plane, job_finished.handle)]
    pump = Pump(dict.fromkeys(WATCHED.values(), handlers), HANDLERS, seed)
    bridge = Bridge(Cluster(connect(plane, BRIDGE_USER)), pump, CROWD, WATCHED)
    stopping = threading.Event()
    sweeper = threading.Thread(target=swept, args=[plane, stopping], daemon=True)
    sweeper.start()
    bridge.start()
    try:
        submitted(plane)
        accepted = time.monotonic() - begun
        until_finished(admin)
    finally:
        stopping.set()
        bridge.stop()
        pump.stop()
        kubelet.stop()
        sweeper.join(timeout=60)
    finished = runs(admin)
    jobs = Counter(job["metadata"]["labels"][naming.label("run")] for job in admin.list(JOB, CROWD))
    pods = Counter(pod["metadata"]["labels"]["job-name"] for pod in admin.list(POD, CROWD))
    assert len(finished) == COUNT
    assert {(run.status.phase, run.status.attempt, len(run.status.attempts)) for run in finished} == {
        ("Succeeded", 1, 1)
    }
    assert all(run.status.attempts[0].commit for run in finished), "every run has a result"
    assert jobs == Counter(run.name for run in finished), "one Job each"
    assert pods == kubelet.starts == Counter(run.status.job_name for run in finished), "one pod, one agent each"
    took, answers = time.monotonic() - begun, dict(pump.answers)
    record_property(
        "told",
        f"{COUNT} runs accepted in {accepted:.0f} s, finished in {took:.0f} s; deliveries by answer: {answers}",
    )
