"""A recording of a real watch on many runs: the maximum of concurrent Jobs and pods, and overtaken runs.

Resource versions of one etcd follow the order of writes to all kinds, so that changes of different kinds can be
compared.
"""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError
from functions.cluster.kinds import CONFIG_MAP, JOB, POD, RUNS, Kind
from functions.manifests import ledger
from functions.runs.admission.pending_queue import pending_run
from functions.runs.lifecycle.observed import parse_job
from functions.runs.lifecycle.pod_status import parse_pod
from functions.runs.model.run import parse

Object = dict[str, Any]
See = Callable[[int, str, Object], None]


class Recording:
    """Watches a namespace until it is stopped. Jobs and pods are alive until they end."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._alive: dict[str, set[str]] = {JOB.name: set(), POD.name: set()}
        self.most = dict.fromkeys(self._alive, 0)
        """Maximum of objects alive at any event, by kind."""
        self._order: dict[str, Any] = {}
        self._queued: dict[str, int] = {}
        self._admitted: dict[str, int] = {}
        self.lost: list[str] = []
        """Watches that ended with an error and may have missed changes."""
        self._stopping = threading.Event()
        watched: list[tuple[Kind, See]] = [(JOB, self._job), (POD, self._pod), (CONFIG_MAP, self._map)]
        watched += [(kind, self._run) for kind in RUNS.values()]
        self._threads = [self._started(kind, see) for kind, see in watched]

    @property
    def queued(self) -> int:
        """Number of runs that were shown as queued."""
        return len(self._queued)

    def _started(self, kind: Kind, see: See) -> threading.Thread:
        version = self._cluster.list_page(kind, self._namespace, "none=such")["metadata"]["resourceVersion"]
        thread = threading.Thread(target=self._follow, args=[kind, version, see], daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _follow(self, kind: Kind, version: str, see: See) -> None:
        while not self._stopping.is_set():
            try:
                for verb, item in self._cluster.watch(kind, self._namespace, version, timeout_seconds=5):
                    if verb == "ERROR":
                        self.lost.append(f"{kind.name}: {item}")
                        return
                    version = item["metadata"]["resourceVersion"]
                    if verb != "BOOKMARK":
                        see(int(version), verb, item)
            except ClusterError:
                self._stopping.wait(0.5)

    def _job(self, _: int, verb: str, item: Object) -> None:
        job = parse_job(item)
        self._lives(JOB.name, job.name, is_so=verb != "DELETED" and not (job.ended or job.fence))

    def _pod(self, _: int, verb: str, item: Object) -> None:
        pod = parse_pod(item)
        self._lives(POD.name, pod.name, is_so=verb != "DELETED" and not pod.terminal)

    def _lives(self, kind: str, name: str, *, is_so: bool) -> None:
        alive = self._alive[kind]
        (alive.add if is_so else alive.discard)(name)
        self.most[kind] = max(self.most[kind], len(alive))

    def _run(self, version: int, _: str, item: Object) -> None:
        run = parse(item)
        self._order[run.uid] = pending_run(run).order
        if pending_run(run).is_marked_queued:
            self._queued.setdefault(run.uid, version)

    def _map(self, version: int, verb: str, item: Object) -> None:
        if item["metadata"]["name"] == ledger.NAME and verb != "DELETED":
            for uid in ledger.parse(item).entries:
                self._admitted.setdefault(uid, version)

    def overtaken(self) -> Iterator[str]:
        """Yield pairs of runs: one was shown as queued when a later one was admitted, and was admitted after it."""
        for late, order in self._order.items():
            at = self._admitted[late]
            for early, queued in self._queued.items():
                if queued < at < self._admitted[early] and self._order[early] < order:
                    yield json.dumps([self._order[early], self._order[late]], default=str)
