"""The Job runner: Job controller and kubelet of one machine, for the embedded API server or any other."""

import fcntl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from functions.bridge.bridge import Bridge
from functions.cluster.client import Cluster, Object
from functions.cluster.kinds import JOB, POD
from functions.local.database import connect, readable
from functions.local.runner.controller import Controller
from functions.local.runner.kubelet import ExtraEnv, Kubelet
from functions.local.runner.logs import Logs
from functions.local.runner.loop import Inbox, Loop
from functions.local.runner.object_cache import ObjectCache
from functions.local.runner.paths import Layout
from functions.local.runner.records import Records
from functions.local.runner.recovery import recover

STOP_GRACE = 10.0
"""The grace period of agents in seconds when the runner is stopped."""


def no_env(_: Object, __: str) -> Mapping[str, str]:
    """Return no additional variables."""
    return {}


class Runner:
    """Runs the Jobs of an API server as processes of this machine, with one runner per `state_dir`.

    `extra_env` returns variables for a container of a pod that override those it declares. Pods beyond `max_processes`
    stay Pending. `clock` returns seconds since the epoch.
    """

    def __init__(
        self,
        cluster: Cluster,
        state_dir: Path,
        *,
        extra_env: ExtraEnv = no_env,
        max_processes: int = 16,
        node: str = "local",
        stop_grace: float = STOP_GRACE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._layout = Layout(state_dir.resolve())
        with readable(self._layout.database):
            self._records = Records(connect(self._layout.database))
        self._inbox = inbox = Inbox()
        self._kubelet = Kubelet(cluster, self._records, self._layout, extra_env, max_processes, inbox.wake)
        objects = ObjectCache(cluster)
        controller = Controller(objects, self._records, self._kubelet, node, clock, inbox.wake)
        loop = Loop(inbox, objects, self._records, controller.sync)
        self._node = node
        self._stop_grace = stop_grace
        self._clock = clock
        watched = {kind: kind.name for kind in (JOB, POD)}
        self._bridge = Bridge(cluster, inbox, None, watched, selectors={}, workers=1)  # one worker keeps the order
        self._lock: TextIO | None = None
        self._thread = threading.Thread(target=loop.run, name="runner", daemon=True)
        self.pod_logs = Logs(self._layout.state)

    def start(self) -> None:
        """End the processes of an earlier runner, then start the runner's threads.

        The API server may start later, and may be unavailable at times.

        Raises:
            RuntimeError: another runner uses the directory, or a process of an earlier one cannot be ended.
        """
        self._lock = _lock(self._layout.lock)
        recover(self._records, self._layout, self._node, self._clock())
        self._bridge.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop the threads and every process; the pods are reported after the next start, as after a node shutdown."""
        self._bridge.stop()
        self._inbox.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._kubelet.shut_down(self._stop_grace, self._clock())
        self.pod_logs.close()
        if self._lock:
            self._lock.close()


def _lock(path: Path) -> TextIO:
    """Lock the file until it is closed or the process ends."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise RuntimeError(f"another runner uses {path.parent}; stop it first") from None
    return file
