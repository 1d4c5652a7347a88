"""A container's process: started through the shim, stopped with everything it started, found again after a crash."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from functions.local.runner.shim import process_tree

SHIM = Path(__file__).parent / "shim"

GIVE_UP_SECONDS = 5.0
"""How long the shim may take to write down an end before it is ended itself."""


@dataclass(frozen=True)
class Plan:
    """What the shim is to start; `directory` is its own, `message` the path of the termination log."""

    directory: str
    argv: list[str]
    env: Mapping[str, str]
    cwd: str
    log: str
    message: str


class Process:
    """The shim of one container, and all below it."""

    def __init__(self) -> None:
        """Starts the shim; it waits for `go`, and ends by itself where that never comes."""
        self._popen = subprocess.Popen(
            [sys.executable, "-I", SHIM], env={}, stdin=subprocess.PIPE, start_new_session=True
        )
        self._leader = psutil.Process(self._popen.pid)
        self._kill_at = float("inf")
        self.pid = self._popen.pid
        self.started: float = self._leader.create_time()

    @property
    def running(self) -> bool:
        """Whether the shim is still there; it goes last."""
        return self._popen.poll() is None

    def go(self, plan: Plan, ended: Callable[[], None]) -> None:
        """Permits the start; `ended` is called, from another thread, when everything is over."""
        threading.Thread(target=self._await, args=(ended,), name=f"pid-{self.pid}", daemon=True).start()
        assert self._popen.stdin
        with contextlib.suppress(BrokenPipeError), self._popen.stdin as pipe:
            pipe.write(json.dumps(asdict(plan)).encode() + b"\n")

    def stop(self, grace: float) -> None:
        """SIGTERM to the group at once, SIGKILL to all after `grace` seconds; may be repeated with less grace."""
        kill_at = time.monotonic() + grace
        if self._kill_at == float("inf"):
            self._terminate()
        if kill_at < self._kill_at:
            self._kill_at = kill_at
            timer = threading.Timer(grace, self._kill)
            timer.daemon = True
            timer.start()

    def wait(self, seconds: float) -> None:
        """Waits until all is over, at most so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)

    def _terminate(self) -> None:
        if self.running:
            os.killpg(self.pid, signal.SIGTERM)

    def _kill(self) -> None:
        """The shim is spared, to write down how its child ended; again and again, as it may only just start that."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while self.running and time.monotonic() < give_up:
            process_tree.end(lambda: process_tree.family(self._leader))
            self.wait(0.05)
        if self.running:
            self._popen.kill()

    def _await(self, ended: Callable[[], None]) -> None:
        self._popen.wait()
        ended()


def end_left_over(pid: int, started: float, root: Path) -> bool:
    """Ends a process of an earlier runner with all that belongs to it; False if something would not go.

    It is told from a stranger with the same pid by its start time. Where it is gone itself, what it left is told by
    its environment, in which only containers of this pod have POD_ROOT=`root`.
    """
    leader = process_tree.find(pid, started)
    with contextlib.suppress(psutil.NoSuchProcess):
        if leader:
            leader.suspend()  # it may be about to start the agent; and orphans stay its children until it goes
    done = process_tree.end(
        lambda: [*(process_tree.family(leader) if leader else ()), *process_tree.living_in(root, leader)]
    )
    return process_tree.end(lambda: [leader] if leader and process_tree.alive(leader) else []) and done
