"""The bridge as a whole: a watch for each kind, started and stopped together, and what they say of their health."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from functions.bridge.outbox import WORKERS, Outbox
from functions.bridge.timing import DEFAULT, Timing
from functions.bridge.watch import Watch
from functions.bridge.watch_health import WatchHealth
from functions.cluster.client import Cluster
from functions.cluster.kinds import JOB, Kind
from functions.queues.publisher import Publisher
from functions.runs import api_group

OF_RUNS: Mapping[Kind, str] = {JOB: api_group.label("run")}
"""Label selectors: of the Jobs only those of runs, of the runs all."""


class Bridge:
    """Publishes the changes of the kinds in `watched`, each on its topic, in one namespace or (None) in all.

    `selected` gives label selectors. `hands` is how many events of a kind are published at once; 1 keeps their order.
    """

    def __init__(
        self,
        cluster: Cluster,
        publisher: Publisher,
        namespace: str | None,
        watched: Mapping[Kind, str],
        timing: Timing = DEFAULT,
        *,
        selected: Mapping[Kind, str] = OF_RUNS,
        hands: int = WORKERS,
    ) -> None:
        self._timing = timing
        self._stopping = threading.Event()
        self._watches = []
        for kind, topic in watched.items():
            pulse = WatchHealth(kind.plural)
            outbox = Outbox(publisher, topic, pulse, self._timing, hands)
            labels = selected.get(kind, "")
            watch = Watch(cluster, kind, namespace, labels, outbox, pulse, self._timing, self._stopping)
            self._watches.append(watch)
        self._threads = {
            watch.kind.plural: threading.Thread(target=watch.run, name=f"watch-{watch.kind.plural}", daemon=True)
            for watch in self._watches
        }

    def start(self) -> None:
        """Starts watching, each kind in a thread of its own."""
        for watch in self._watches:
            watch.outbox.start()
        for thread in self._threads.values():
            thread.start()

    def stop(self) -> bool:
        """Stops reading and waits, a bounded time, for what is being published; whether all of that was stored.

        A thread that waits for the next change is left behind: it ends with the process, or with its watch.
        """
        self._stopping.set()
        for watch in self._watches:
            watch.outbox.close()
        until = time.monotonic() + self._timing.closing
        left = [watch.outbox.closed(max(until - time.monotonic(), 0)) for watch in self._watches]
        return all(left)

    @property
    def ready(self) -> bool:
        """Whether every change of every kind reaches the queue now."""
        return all(watch.pulse.ready for watch in self._watches)

    @property
    def live(self) -> bool:
        """Whether no watch is dead."""
        return all(self._alive(watch) for watch in self._watches)

    def report(self) -> Mapping[str, Any]:
        """How each watch stands, by plural of its kind."""
        return {watch.kind.plural: self._report(watch) for watch in self._watches}

    def _alive(self, watch: Watch) -> bool:
        return self._threads[watch.kind.plural].is_alive() and watch.pulse.silent <= self._timing.dead_after

    def _report(self, watch: Watch) -> Mapping[str, Any]:
        stand = {
            "ready": watch.pulse.ready,
            "live": self._alive(watch),
            "silentSeconds": round(watch.pulse.silent, 1),
        }
        return stand | dict(watch.pulse.report())
