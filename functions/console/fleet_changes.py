"""Watches the runs of both kinds for a while, and says that something has changed."""

import queue
import threading
import time
from collections.abc import Iterator

from functions.cluster.client import Cluster
from functions.cluster.errors import ClusterError
from functions.cluster.kinds import RUNS, Kind

BEAT_SECONDS = 5.0
"""Seconds without a change after which False is yielded."""
SETTLE_SECONDS = 0.5
"""Changes within this time are one."""


class FleetChanges:
    """The changes of a namespace for some seconds. Its threads end by themselves then: the server ends their watch."""

    def __init__(self, cluster: Cluster, namespace: str, seconds: float) -> None:
        self._cluster, self._namespace, self._seconds = cluster, namespace, seconds
        self._changes: queue.Queue[ClusterError | None] = queue.Queue()

    def start(self) -> None:
        """Watch from now on: what a list shows after this call was there before, or is a change.

        Raises:
            ClusterError: the runs cannot be listed.
        """
        for kind in RUNS.values():
            version = self._cluster.list_page(kind, self._namespace, metadata_only=True)["metadata"]["resourceVersion"]
            threading.Thread(target=self._watch, args=(kind, version), daemon=True).start()

    def follow(self) -> Iterator[bool]:
        """Yield True after a change, and False from time to time.

        Raises:
            ClusterError: the runs cannot be watched.
        """
        deadline = time.monotonic() + self._seconds
        while (left := deadline - time.monotonic()) > 0:
            yield self._changed(min(left, BEAT_SECONDS))

    def _changed(self, seconds: float) -> bool:
        try:
            error = self._changes.get(timeout=seconds)
        except queue.Empty:
            return False
        if error:
            raise error
        time.sleep(SETTLE_SECONDS)
        while not self._changes.empty():
            self._changes.get_nowait()
        return True

    def _watch(self, kind: Kind, version: str) -> None:
        seconds = max(1, int(self._seconds))
        try:
            events = self._cluster.watch(
                kind, self._namespace, version, timeout_seconds=seconds, read_timeout=self._seconds + 5
            )
            for event, _ in events:
                if event == "ERROR":  # the history is gone: the page is fetched again, and connects anew
                    self._changes.put(None)
                    return
                if event != "BOOKMARK":
                    self._changes.put(None)
        except ClusterError as error:
            self._changes.put(error)
