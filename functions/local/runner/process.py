"""A container's process: started by the shim, stopped with all its descendants, found again after a crash."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from functions.local.runner.shim import process_tree

SHIM = Path(__file__).parent / "shim"

GIVE_UP_SECONDS = 5.0
"""How long the shim may take to record the end of its child before it is killed."""


@dataclass(frozen=True)
class Plan:
    """The plan for the shim; `directory` is the shim's own, `message` the path of the termination log."""

    directory: str
    argv: list[str]
    env: Mapping[str, str]
    cwd: str
    log: str
    message: str


class Process:
    """The shim of one container and its descendants."""

    def __init__(self) -> None:
        """Start the shim, which waits for the plan of `run` and ends without it."""
        self._popen = subprocess.Popen(
            [sys.executable, "-I", SHIM], env={}, stdin=subprocess.PIPE, start_new_session=True
        )
        self._leader = psutil.Process(self._popen.pid)
        self._kill_at = float("inf")
        self.pid = self._popen.pid
        self.started: float = self._leader.create_time()

    @property
    def running(self) -> bool:
        """Whether the shim runs; it ends after its descendants."""
        return self._popen.poll() is None

    def run(self, plan: Plan, on_end: Callable[[], None]) -> None:
        """Send the plan to the shim; another thread calls `on_end` when the shim has ended."""
        threading.Thread(target=self._await, args=(on_end,), name=f"pid-{self.pid}", daemon=True).start()
        assert self._popen.stdin
        with contextlib.suppress(BrokenPipeError), self._popen.stdin as pipe:
            pipe.write(json.dumps(asdict(plan)).encode() + b"\n")

    def stop(self, grace: float) -> None:
        """Send SIGTERM to the group, and SIGKILL after `grace` seconds; may be repeated with less grace."""
        kill_at = time.monotonic() + grace
        if self._kill_at == float("inf"):
            self._terminate()
        if kill_at < self._kill_at:
            self._kill_at = kill_at
            timer = threading.Timer(grace, self._kill)
            timer.daemon = True
            timer.start()

    def wait(self, seconds: float) -> None:
        """Wait until the shim has ended, at most this long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)

    def _terminate(self) -> None:
        if self.running:
            os.killpg(self.pid, signal.SIGTERM)

    def _kill(self) -> None:
        """Kill all but the shim, which records the end; repeat, because it may be about to start the child."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while self.running and time.monotonic() < deadline:
            process_tree.end(lambda: process_tree.group_and_descendants(self._leader))
            self.wait(0.05)
        if self.running:
            self._popen.kill()

    def _await(self, on_end: Callable[[], None]) -> None:
        self._popen.wait()
        on_end()


def end_leftovers(pid: int, started: float, roots: Sequence[Path]) -> bool:
    """End a process of an earlier runner with its descendants; return False if one of them cannot be ended.

    Its start time distinguishes it from a later process with the same pid. If it has ended, its descendants are
    recognized by their environment, as are those of other containers: only they have a POD_ROOT of the pod's `roots`.
    """
    leader = process_tree.find(pid, started)
    with contextlib.suppress(psutil.NoSuchProcess):
        if leader:
            leader.suspend()  # so that it starts no agent; orphans stay its children until it ends
    done = process_tree.end(
        lambda: [
            *(process_tree.group_and_descendants(leader) if leader else ()),
            *(found for root in roots for found in process_tree.processes_of_pod(root, leader)),
        ]
    )
    return process_tree.end(lambda: [leader] if leader and process_tree.alive(leader) else []) and done
