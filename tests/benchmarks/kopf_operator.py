"""A minimal kopf operator to compare with: `python -m tests.benchmarks.kopf_operator KUBECONFIG COUNT`.

For each CodeRun it makes a claim, a ConfigMap and a Job and reports a status: the writes that reconcile makes, of the
same objects, with as many threads; it renders nothing and decides nothing. Runs whose names come on standard input
are left alone. After COUNT runs it prints how long they took and ends.
"""

import json
import sys
import threading
import time
from typing import Any

import kopf
import urllib3

from functions.cluster.client import Cluster
from functions.cluster.connection import connect
from functions.cluster.kinds import CLAIM, CONFIG_MAP, JOB
from functions.cluster.transport import KubernetesTransport
from functions.manifests import attempt as manifest
from functions.runs import attempts
from functions.runs.run import parse
from functions.settings.cluster import ClusterSettings
from tests.benchmarks.crowd import THREADS
from tests.support.builders import NOW, settings

CONFIGURED = settings()


def main(kubeconfig: str, count: int) -> None:
    """Runs the operator."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    address = ClusterSettings(kubeconfig=kubeconfig)
    connection, cluster = connect(address), Cluster(KubernetesTransport(address))
    left_alone = set(json.load(sys.stdin))
    begun, done, ended = list[float](), list[str](), threading.Event()

    @kopf.on.startup()
    def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.execution.max_workers = THREADS
        settings.posting.enabled = False
        settings.persistence.finalizer = "benchmark/none"

    @kopf.on.login()
    def login(**_: Any) -> Any:
        return kopf.ConnectionInfo(server=connection.host, token=connection.token(), scheme="Bearer", insecure=True)

    @kopf.on.create("agents.platform", "v1", "coderuns", when=lambda name, **_: name not in left_alone)
    def create(body: kopf.Body, patch: kopf.Patch, **_: Any) -> None:
        if not begun:
            begun.append(time.perf_counter())
        run = parse(json.loads(json.dumps(dict(body), default=dict)))
        started = run.having(attempts.start(run, NOW))
        cluster.create(CLAIM, manifest.claim(started, CONFIGURED.job))
        cluster.create(CONFIG_MAP, manifest.task_files(started, {"prompt.md": "work"}, "none"))
        cluster.create(JOB, manifest.job(started, CONFIGURED))
        patch.status["phase"] = "Pending"
        done.append(run.name)
        if len(done) == count:
            print(json.dumps({"seconds": time.perf_counter() - begun[0]}), flush=True)
            ended.set()

    kopf.run(standalone=True, namespaces=["orchestrator"], stop_flag=ended)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
