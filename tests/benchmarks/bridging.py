"""The watch bridge, from a change of a run to the queue, against a raw watch that only receives.

Another process makes changes with eight threads: first as fast as the API server accepts them, then a hundred per
second, to measure the delay of each. The queue is a sink that answers at once.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from functions.bridge.bridge import Bridge
from functions.cluster.client import Cluster
from functions.cluster.errors import Unavailable
from functions.cluster.kinds import CODE_RUN
from functions.events.event import Event
from functions.queues.backends.embedded.publisher import EmbeddedPublisher
from tests.benchmarks import changes, crowd, sink
from tests.benchmarks.crowd import Connect
from tests.benchmarks.rows import Aim, Row, percentile
from tests.support.api import ROOT

RUNS = 50
CHANGES = 2_000
RATE = 100
STEADY = 1_000
PATIENCE = 120


class Seen:
    """The times at which changes arrived, and their delays."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.lags: list[float] = []

    def see(self, item: dict[str, Any]) -> None:
        """Record the change, if changes.py made it."""
        made = item["metadata"].get("annotations", {}).get(changes.CHANGED_AT)
        if made:
            self.lags.append(time.time() - float(made))
            self.moments.append(time.monotonic())

    def rate(self, count: int) -> float:
        """Wait for `count` changes; return the changes per second."""
        end = time.monotonic() + PATIENCE
        while len(self.moments) < count:
            assert time.monotonic() < end, f"{len(self.moments)} of {count} changes arrived"
            time.sleep(0.05)
        return count / (self.moments[-1] - self.moments[0])


class Publisher(EmbeddedPublisher):
    """A publisher that records what the queue has stored."""

    def __init__(self, url: str, seen: Seen) -> None:
        super().__init__(url)
        self._seen = seen

    def publish(self, topic: str, event: Event) -> None:
        """Publish the event, then record it."""
        super().publish(topic, event)
        self._seen.see(event.data)


def rows() -> Iterator[Row]:
    """Yield the rows, on the real API server if it is installed."""
    with tempfile.TemporaryDirectory() as name, crowd.servers(Path(name)) as servers, sink.running() as queue:
        server, connect = list(servers.items())[-1]
        kubeconfig = crowd.kubeconfig(Path(name), server)
        crowd.made(connect(), RUNS)
        fast, slow = [], []
        for watching in (_raw(connect), _bridge(connect, queue)):
            with watching as seen:
                fast.append(_changed(kubeconfig, seen, CHANGES, 0))
        for watching in (_raw(connect), _bridge(connect, queue)):
            with watching as seen:
                _changed(kubeconfig, seen, STEADY, RATE)
                slow.append(percentile(seen.lags, 0.99) * 1e3)
        yield Row(f"bridge, {server} API server", fast[1], "events/s", fast[0], "raw watch", Aim(0.7, at_most=False))
        yield Row(f"bridge, lag p99 at {RATE} changes/s", slow[1], "ms", slow[0], "raw watch")


def _changed(kubeconfig: Path, seen: Seen, count: int, rate: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.changes", str(kubeconfig), str(count), str(rate)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE)
    return seen.rate(count)


@contextmanager
def _raw(connect: Connect) -> Iterator[Seen]:
    seen, cluster, stopping = Seen(), Cluster(connect()), threading.Event()
    version = cluster.list_page(CODE_RUN, "orchestrator")["metadata"]["resourceVersion"]

    def read(version: str) -> None:
        while not stopping.is_set():
            try:
                for verb, item in cluster.watch(CODE_RUN, "orchestrator", version, timeout_seconds=20):
                    version = item["metadata"]["resourceVersion"]
                    if verb == "MODIFIED":
                        seen.see(item)
            except Unavailable:
                continue

    thread = threading.Thread(target=read, args=[version], daemon=True)
    thread.start()
    yield seen
    stopping.set()


@contextmanager
def _bridge(connect: Connect, queue: str) -> Iterator[Seen]:
    seen = Seen()
    bridge = Bridge(Cluster(connect()), Publisher(queue, seen), "orchestrator", {CODE_RUN: "runs"})
    bridge.start()
    end = time.monotonic() + PATIENCE
    while not bridge.ready:
        assert time.monotonic() < end, bridge.report()
        time.sleep(0.05)
    time.sleep(1)  # it first publishes the runs that exist at its start
    seen.lags.clear()
    seen.moments.clear()
    yield seen
    bridge.stop()
