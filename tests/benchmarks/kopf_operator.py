"""A minimal kopf operator to compare with: `... -m tests.benchmarks.kopf_operator KUBECONFIG NAMESPACE COUNT NOTES`.

For each CodeRun of a namespace it makes what reconcile makes, as large, with as many threads and the same client: a
claim, the task files, a Job and an Event; and it reports the whole status. It renders nothing (all runs get the files
of one, rendered beforehand) and decides nothing. NOTES says where it keeps what it has handled: kopf's own way is an
`annotation` of each run, which is a write more; in `memory` it makes as many writes as reconcile.

Once COUNT runs show their status it prints how long they took, and the processor time in that, and ends.
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
from functions.runs.lifecycle import transitions
from functions.runs.model.run import parse
from functions.runs.model.specs import wire
from functions.settings.cluster import ClusterSettings
from tests.benchmarks.crowd import THREADS
from tests.support.builders import NOW, run, settings

POLL_SECONDS = 0.05
CONFIGURED = settings()


class InMemory(kopf.DiffBaseStorage):
    """What was handled last of each object."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Any] = {}

    def fetch(self, *, body: kopf.Body) -> Any:
        return self._kept.get(body.metadata.name or "")

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: Any) -> None:
        self._kept[body.metadata.name or ""] = essence


class Clock:
    """Seconds, and seconds of this process's processor time, from the first run on."""

    def __init__(self) -> None:
        self._begun: list[tuple[float, float]] = []

    def begin(self) -> None:
        """A run came."""
        if not self._begun:
            self._begun.append(_now())

    def read(self) -> dict[str, float]:
        """What it took so far."""
        (seconds, cpu), (then, worked) = _now(), self._begun[0]
        return {"seconds": seconds - then, "cpu": cpu - worked}


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def main(kubeconfig: str, namespace: str, count: int, notes: str) -> None:
    """Runs the operator."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    address = ClusterSettings(kubeconfig=kubeconfig)
    configuration, cluster = credentials.load(address), Cluster(KubernetesTransport(address))
    clock, done, handled, ended = Clock(), list[str](), threading.Event(), threading.Event()
    sample = run("CodeRun")
    files = rendering.task_files(CONFIGURED, sample.with_status(transitions.start(sample, NOW)))

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
        started = found.with_status(transitions.start(found, NOW))
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
