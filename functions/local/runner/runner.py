"""The Job runner as a whole: Job controller and kubelet of one machine, for the embedded API server or any other."""

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
from functions.local.runner.objects import Objects
from functions.local.runner.paths import Layout
from functions.local.runner.records import Records
from functions.local.runner.recovery import recover

STOP_GRACE = 10.0
"""Seconds that agents get to end by themselves when the runner is stopped."""


def no_env(_: Object) -> Mapping[str, str]:
    """Nothing is added to what a pod declares."""
    return {}


class Runner:
    """Runs the Jobs of an API server as processes of this machine; one runner per `state_dir`.

    `extra_env` gives, for a pod, variables that outweigh what it declares. Beyond `max_processes`, pods stay Pending.
    `clock` gives seconds since the epoch.
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
        objects = Objects(cluster)
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
        """Ends what an earlier runner left, then works in threads of its own.

        The API server may come later, or go and come back.

        Raises:
            RuntimeError: another runner works in the same directory, or a process of an earlier one would not go.
        """
        self._lock = _lock(self._layout.lock)
        recover(self._records, self._layout, self._node, self._clock())
        self._bridge.start()
        self._thread.start()

    def stop(self) -> None:
        """Ends the work and every process; their pods are reported, as of a node that went down, after the start."""
        self._bridge.stop()
        self._inbox.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._kubelet.shut_down(self._stop_grace, self._clock())
        if self._lock:
            self._lock.close()


def _lock(path: Path) -> TextIO:
    """Held as long as the file is open; the kernel lets go of it when the process dies."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise RuntimeError(f"another runner works in {path.parent}; stop it first") from None
    return file
