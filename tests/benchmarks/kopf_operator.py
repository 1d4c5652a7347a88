"""A minimal kopf operator: `python -m tests.benchmarks.kopf_operator KUBECONFIG NAMESPACE COUNT NOTES`.

For each CodeRun of a namespace it creates the same objects as reconcile, of the same size, with as many threads and the
same client: a claim, the task files, a Job and an Event; and it writes the whole status. It decides nothing and renders
nothing: all runs get the files of one run. NOTES says where it keeps the state it has handled. kopf's default is an
`annotation` of each run, which is one write more; in `memory` it makes as many writes as reconcile.

When COUNT runs have a status it prints the seconds and the processor seconds since the first run, and ends.
"""

import json
import sys
import threading
import time
from typing import Any

import kopf
import urllib3

from functions.cluster import credentials
from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, EVENT, JOB, VOLUME_CLAIM
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.manifests import attempt as manifest
from functions.manifests import event
from functions.reconciler import rendering
from functions.runs.model.api_model import wire
from functions.runs.model.run import parse
from functions.settings.cluster import ClusterSettings
from tests.benchmarks.crowd import THREADS
from tests.support.builders import NOW, run, settings, with_attempt

POLL_SECONDS = 0.05
CONFIGURED = settings()


class InMemory(kopf.DiffBaseStorage):
    """Keeps the last handled state of each object in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Any] = {}

    def fetch(self, *, body: kopf.Body) -> Any:
        return self._kept.get(body.metadata.name or "")

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: Any) -> None:
        self._kept[body.metadata.name or ""] = essence


class Clock:
    """Seconds, and processor seconds of this process, since the first run."""

    def __init__(self) -> None:
        self._begun: list[tuple[float, float]] = []

    def begin(self) -> None:
        """Start the clock at the first call; later calls change nothing."""
        if not self._begun:
            self._begun.append(_now())

    def read(self) -> dict[str, float]:
        """Return the seconds and processor seconds so far."""
        (seconds, cpu), (then, worked) = _now(), self._begun[0]
        return {"seconds": seconds - then, "cpu": cpu - worked}


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def main(kubeconfig: str, namespace: str, count: int, notes: str) -> None:
    """Run the operator until all runs have a status."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    address = ClusterSettings(kubeconfig=kubeconfig)
    configuration, cluster = credentials.load(address), Cluster(KubernetesTransport(address))
    clock, done, handled, ended = Clock(), list[str](), threading.Event(), threading.Event()
    sample = run("CodeRun")
    files = rendering.task_files(CONFIGURED, with_attempt(sample))

    @kopf.on.startup()
    def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.execution.max_workers = THREADS
        settings.posting.enabled = False
        settings.persistence.finalizer = "benchmark/none"
        if notes == "memory":
            settings.persistence.diffbase_storage = InMemory()

    @kopf.on.login()
    def login(**_: Any) -> Any:
        token = str(configuration.get_api_key_with_prefix("BearerToken")).removeprefix("Bearer ")
        return kopf.ConnectionInfo(server=configuration.host, token=token, scheme="Bearer", insecure=True)

    @kopf.on.create("agents.platform", "v1", "coderuns")
    def create(body: kopf.Body, patch: kopf.Patch, **_: Any) -> None:
        clock.begin()
        found = parse(json.loads(json.dumps(dict(body), default=dict)))
        started = with_attempt(found)
        cluster.create(VOLUME_CLAIM, manifest.claim(started, CONFIGURED.job))
        cluster.create(CONFIG_MAP, manifest.task_files(started, files.files, files.checksum))
        cluster.create(JOB, manifest.job(started, CONFIGURED))
        cluster.create(EVENT, event.of(started, NOW) or {})
        patch.status.update(wire(started.status))  # kopf writes it afterwards
        done.append(found.name)
        if len(done) == count:
            handled.set()

    def watch() -> None:
        handled.wait()
        while not all("status" in each for each in cluster.list(CODE_RUN, namespace)):
            time.sleep(POLL_SECONDS)
        print(json.dumps(clock.read()), flush=True)
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    kopf.run(standalone=True, namespaces=[namespace], stop_flag=ended)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
