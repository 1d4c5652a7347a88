"""Many runs that are submitted at once, and the functions that finish them.

Each function has its own connections and the rights of the functions' user; events come from the real bridge with the
rights of its user; a sweep runs every 20 s. Only the queue (in memory, at least once, some messages twice) and the
kubelet are simulated.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.bridge.bridge import TOPIC_BY_KIND, Bridge
from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, DOCS_RUN, JOB, POD, RUNS
from functions.composition import REPORTERS
from functions.handlers import job_finished, reconcile, sweep
from functions.queues.topology import TOPIC_OF_FUNCTION
from functions.runs import api_group
from functions.runs.model.run import parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import Request, answer
from functions.settings.limits import LimitSettings
from functions.submission.submit import submit
from tests.cluster.conftest import BRIDGE_USER, FUNCTIONS_USER, connect
from tests.cluster.population import Deliver, Finished, Kubelet, Pump
from tests.support.builders import CODE_SPEC, DOCS_SPEC, settings
from tests.support.control_plane import ControlPlane
from tests.support.run_steps import DONE

SWEEP_SECONDS = 20
HANDLERS, KUBELETS, CALLERS = 8, 8, 8


def patience(count: int) -> float:
    """Return the timeout in seconds for so many runs: twice what they need on two cores beside other tests."""
    return 300 + 1.5 * count


@dataclass(frozen=True)
class Workload:
    """A namespace, the number of its runs, and their limits."""

    plane: ControlPlane
    namespace: str
    count: int
    limits: LimitSettings
    works: Callable[[], None] = lambda: None
    """Called by each agent before it ends."""


def function(workload: Workload, handle: Callable[[Dependencies, Request], Any]) -> Deliver:
    """Return a function as deployed: with its own connections, as the functions' user."""
    cluster = Cluster(connect(workload.plane, FUNCTIONS_USER))
    configured = settings(namespace=workload.namespace, limits=workload.limits)
    services = Dependencies(configured, cluster, lambda: datetime.now(UTC), connect_reporters=REPORTERS)
    return lambda request: answer(lambda asked: handle(services, asked), request)


def request(number: int) -> tuple[str, Request]:
    """Return kind and request of a run: every fourth is a docs run, every tenth has a higher priority."""
    headers = {"content-type": "application/json", "idempotency-key": f"many-{number}"}
    priority = int(number % 10 == 0)
    if number % 4 == 0:
        spec = {**DOCS_SPEC, "workingDirectory": f"part-{number}", "priority": priority}
        return "DocsRun", Request(headers, json.dumps(spec).encode())
    spec = {**CODE_SPEC, "service": f"s-{number}", "priority": priority}
    return "CodeRun", Request(headers, json.dumps(spec).encode())


def submitting(workload: Workload, kind: str) -> Deliver:
    return function(workload, lambda services, asked: submit(services, kind, asked))


def submitted(workload: Workload) -> None:
    """Submit all runs concurrently; every tenth request is repeated, as after a lost answer."""
    targets = {kind: submitting(workload, kind) for kind in RUNS}

    def send(number: int) -> list[int]:
        kind, asked = request(number)
        return [targets[kind](asked).code for _ in range(2 if number % 10 == 0 else 1)]

    with ThreadPoolExecutor(CALLERS) as pool:
        codes = list(pool.map(send, range(workload.count)))
    assert all(found in ([201], [201, 200]) for found in codes), Counter(map(tuple, codes))


def swept(workload: Workload, stopping: threading.Event) -> None:
    target = function(workload, sweep.handle)
    while not stopping.wait(SWEEP_SECONDS):
        target(Request({}, b""))


@dataclass
class Played:
    """Seconds until all runs were accepted and finished, deliveries by status code, and agents by Job."""

    accepted: float
    took: float
    answers: Counter[int]
    starts: Counter[str]


def played(workload: Workload) -> Played:
    """Submit all runs, and run the functions until they are finished."""
    begun, seed = time.monotonic(), random.SystemRandom().randrange(10**6)
    kubelet = Kubelet(Cluster(connect(workload.plane)), workload.namespace, DONE, KUBELETS, workload.works)
    finished = Finished()
    fed: dict[str, list[Deliver]] = {
        TOPIC_OF_FUNCTION["reconcile"]: [function(workload, reconcile.handle), finished],
        TOPIC_OF_FUNCTION["job_finished"]: [function(workload, job_finished.handle)],
    }
    pump = Pump(fed, HANDLERS, seed)
    bridge = Bridge(Cluster(connect(workload.plane, BRIDGE_USER)), pump, workload.namespace, TOPIC_BY_KIND)
    stopping = threading.Event()
    sweeper = threading.Thread(target=swept, args=[workload, stopping], daemon=True)
    sweeper.start()
    bridge.start()
    try:
        submitted(workload)
        accepted = time.monotonic() - begun
        finished.wait(workload.count, patience(workload.count))
        took = time.monotonic() - begun
    finally:
        stopping.set()
        bridge.stop()
        pump.stop()
        kubelet.stop()
        sweeper.join(timeout=60)
    return Played(accepted, took, pump.answers, kubelet.starts)


def check_each_finished_once(workload: Workload, seen: Played) -> None:
    admin = Cluster(connect(workload.plane))
    finished = [parse(raw) for kind in (CODE_RUN, DOCS_RUN) for raw in admin.list(kind, workload.namespace)]
    jobs = Counter(job["metadata"]["labels"][api_group.label("run")] for job in admin.list(JOB, workload.namespace))
    pods = Counter(pod["metadata"]["labels"]["job-name"] for pod in admin.list(POD, workload.namespace))
    assert len(finished) == workload.count
    assert {(run.status.phase, run.status.attempt, len(run.status.attempts)) for run in finished} == {
        ("Succeeded", 1, 1)
    }
    assert all(run.status.attempts[0].commit for run in finished), "every run has a result"
    assert jobs == Counter(run.name for run in finished), "one Job each"
    assert pods == seen.starts == Counter(run.status.job_name for run in finished), "one pod, one agent each"


def summary(workload: Workload, seen: Played) -> str:
    return (
        f"{workload.count} runs, limit {workload.limits.runs}: accepted in {seen.accepted:.0f} s, "
        f"finished in {seen.took:.0f} s; deliveries by answer: {dict(seen.answers)}"
    )
