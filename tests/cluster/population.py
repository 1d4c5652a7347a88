"""A queue in memory and a simulated kubelet, both concurrent, for tests with many runs."""

import json
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError
from functions.cluster.kinds import POD
from functions.events.event import Event
from functions.events.http_binding import to_request
from functions.runs import api_group
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from tests.support.node import container

Deliver = Callable[[Request], Answer]
AGAIN_SECONDS = 0.5
"""Seconds until a delivery that was not acknowledged is repeated."""


class Pump:
    """A publisher that delivers events in several threads, at least once and some of them twice."""

    def __init__(self, subscribers: dict[str, list[Deliver]], threads: int, seed: int) -> None:
        self._subscribers = subscribers
        self._choose = random.Random(seed)
        self._waiting: queue.Queue[tuple[float, Deliver, Request] | None] = queue.Queue()
        self.answers: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def publish(self, topic: str, event: Event) -> None:
        request = Request(to_request(event)[0], json.dumps(event.data).encode())
        for deliver in self._subscribers[topic]:
            for _ in range(2 if self._choose.random() < 0.1 else 1):
                self._waiting.put((0.0, deliver, request))

    def stop(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=30)

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            due, deliver, request = item
            time.sleep(max(due - time.monotonic(), 0))
            code = deliver(request).code
            self.answers[code] += 1
            if code not in (200, 204):
                self._waiting.put((time.monotonic() + AGAIN_SECONDS, deliver, request))


class Finished:
    """A subscriber to changes of runs that records the runs with the finished label."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._news = threading.Condition()

    def __call__(self, request: Request) -> Answer:
        metadata = json.loads(request.body)["metadata"]
        if api_group.FINISHED in metadata.get("labels", {}):
            with self._news:
                self._names.add(metadata["name"])
                self._news.notify_all()
        return ACKNOWLEDGED

    def wait(self, count: int, seconds: float) -> None:
        """Wait until so many runs are finished. Raise AssertionError on timeout."""
        with self._news:
            in_time = self._news.wait_for(lambda: len(self._names) >= count, seconds)
            assert in_time, f"{count - len(self._names)} of {count} runs did not finish in time"


class Kubelet:
    """A simulated kubelet that runs all pods of a namespace concurrently: start, `works`, end with a report."""

    def __init__(self, cluster: Cluster, namespace: str, message: str, threads: int, works: Callable[[], None]) -> None:
        self._cluster, self._namespace, self._message, self._works = cluster, namespace, message, works
        self.starts: Counter[str] = Counter()
        """Agents started, by Job."""
        self._seen: set[str] = set()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(threads)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=60)
        self._pool.shutdown()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                version = self._cluster.list_page(POD, self._namespace, "none=such")["metadata"]["resourceVersion"]
                for pod in self._cluster.list(POD, self._namespace):
                    self._take(pod)
                self._watch(version)
            except ClusterError:
                self._stopping.wait(AGAIN_SECONDS)

    def _watch(self, version: str) -> None:
        for verb, item in self._cluster.watch(POD, self._namespace, version, timeout_seconds=3):
            if verb == "ADDED":
                self._take(item)

    def _take(self, pod: dict[str, Any]) -> None:
        if pod["metadata"]["uid"] not in self._seen:
            self._seen.add(pod["metadata"]["uid"])
            self._pool.submit(self._play, pod["metadata"]["name"], pod["metadata"]["labels"]["job-name"])

    def _play(self, name: str, job: str) -> None:
        self.starts[job] += 1
        terminated = {"exitCode": 0, "reason": "Completed", "message": self._message}
        for phase, state in (("Running", {"running": {}}), ("Succeeded", {"terminated": terminated})):
            status = {"phase": phase, "containerStatuses": [container(state)]}
            self._until_done(name, {"status": status})
            if phase == "Running":
                self._works()

    def _until_done(self, name: str, patch: dict[str, Any]) -> None:
        while True:
            try:
                self._cluster.patch(POD, self._namespace, name, patch, "status")
            except ClusterError:
                time.sleep(AGAIN_SECONDS)
            else:
                return
