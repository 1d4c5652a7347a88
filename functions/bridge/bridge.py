"""The bridge as a whole: a watch for each kind, started and stopped together, and the health of each."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.bridge.outbox import WORKERS, Outbox
from functions.bridge.watch import Watch
from functions.bridge.watch_health import WatchHealth
from functions.cluster.client import Cluster
from functions.cluster.kinds import JOB, RUNS, Kind
from functions.cluster.reflector import Backoff, Reflector
from functions.queues.publisher import Publisher
from functions.queues.topology import TOPIC_OF_KIND
from functions.runs import api_group

TOPIC_BY_KIND: Mapping[Kind, str] = {kind: TOPIC_OF_KIND[kind.name] for kind in (*RUNS.values(), JOB)}
"""The kinds that the functions decide by, and the topic for the changes of each."""

SELECTORS: Mapping[Kind, str] = {JOB: api_group.label("run")}
"""Label selectors by kind: only Jobs of runs."""


BACKOFF = Backoff(0.2, 30.0)


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of the bridge in seconds, in one place because they depend on each other.

    `watch_timeout`: the server ends a watch after it and the next one begins; on a quiet cluster that is the sign of
    life. (Bookmarks may come too, about once a minute: API concepts, Watch bookmarks.)
    `read_timeout`: a watch without data for so long is given up; longer than `watch_timeout`.
    `dead_after`: without a sign of life for so long a watch is dead; long enough to give up one and open another.
    `backoff`: between attempts to reach the API server or the queue.
    `drain_timeout`: how long a stop waits for events being published; longer than a publisher's time-out.
    """

    watch_timeout: int = 120
    read_timeout: float = 150.0
    dead_after: float = 330.0
    backoff: Backoff = BACKOFF
    drain_timeout: float = 15.0


DEFAULT_TIMING = Timing()


class Bridge:
    """Publishes the changes of the kinds in `topics`, each on its topic, in one namespace or (None) in all.

    `selectors` are label selectors by kind. `workers` is how many events of a kind are published at once; 1 keeps
    their order.
    """

    def __init__(
        self,
        cluster: Cluster,
        publisher: Publisher,
        namespace: str | None,
        topics: Mapping[Kind, str],
        timing: Timing = DEFAULT_TIMING,
        *,
        selectors: Mapping[Kind, str] = SELECTORS,
        workers: int = WORKERS,
    ) -> None:
        self._timing = timing
        self._stopping = threading.Event()
        self._watches = []
        for kind, topic in topics.items():
            health = WatchHealth(kind.plural)
            outbox = Outbox(publisher, topic, health, timing.backoff, workers)
            reflector = self._reflector(cluster, kind, namespace, selectors.get(kind, ""))
            self._watches.append(Watch(kind, reflector, outbox, health, self._stopping))
        self._threads = {
            watch.kind.plural: threading.Thread(target=watch.run, name=f"watch-{watch.kind.plural}", daemon=True)
            for watch in self._watches
        }

    def start(self) -> None:
        """Start watching, each kind in a thread of its own."""
        for watch in self._watches:
            watch.outbox.start()
        for thread in self._threads.values():
            thread.start()

    def stop(self) -> bool:
        """Stop reading, wait a bounded time for the events being published, and return whether all were stored.

        A thread that waits for the next change is left behind: it ends with its watch or with the process.
        """
        self._stopping.set()
        for watch in self._watches:
            watch.outbox.close()
        until = time.monotonic() + self._timing.drain_timeout
        stored = [watch.outbox.wait_closed(max(until - time.monotonic(), 0)) for watch in self._watches]
        return all(stored)

    @property
    def ready(self) -> bool:
        """Whether every change of every kind reaches the queue now."""
        return all(watch.health.ready for watch in self._watches)

    @property
    def live(self) -> bool:
        """Whether no watch is dead."""
        return all(self._alive(watch) for watch in self._watches)

    def report(self) -> Mapping[str, Any]:
        """Return the health of each watch, by plural of its kind."""
        return {watch.kind.plural: self._report(watch) for watch in self._watches}

    def _reflector(self, cluster: Cluster, kind: Kind, namespace: str | None, labels: str) -> Reflector:
        return Reflector(
            cluster,
            kind,
            namespace,
            labels=labels,
            timeout_seconds=self._timing.watch_timeout,
            read_timeout=self._timing.read_timeout,
            backoff=self._timing.backoff,
            wait=self._stopping.wait,
        )

    def _alive(self, watch: Watch) -> bool:
        running = self._threads[watch.kind.plural].is_alive()
        return running and watch.health.seconds_since_contact <= self._timing.dead_after

    def _report(self, watch: Watch) -> Mapping[str, Any]:
        health = {
            "ready": watch.health.ready,
            "live": self._alive(watch),
            "silentSeconds": round(watch.health.seconds_since_contact, 1),
        }
        return health | dict(watch.health.report())
