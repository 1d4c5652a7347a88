"""A function as a process of functions-framework, as in a deployment."""

import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from functions.local.dev.function_processes import Child, stop
from functions.local.dev.server import free_port

STARTS_WITHIN = 60
"""Seconds; far more than a busy machine needs."""


@dataclass(frozen=True)
class Served:
    """A function that serves requests."""

    port: int
    pid: int

    def memory(self) -> int:
        """Return the resident bytes of its processes."""
        return sum(process.memory_info().rss for process in self._processes())

    def peak(self) -> int:
        """Return the sum of the peak resident bytes of its processes."""
        return sum(_high_water_mark(process.pid) for process in self._processes())

    def _processes(self) -> list[psutil.Process]:
        root = psutil.Process(self.pid)
        return [root, *root.children(recursive=True)]


def _high_water_mark(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def served(target: str, folder: Path, **environ: str) -> Iterator[Served]:
    """Serve the function until the block ends."""
    port = free_port()
    child = Child(target, port, {**os.environ, **environ}, folder / f"{target}.log")
    child.start()
    try:
        _await_health(child)
        assert child.process
        yield Served(port, child.process.pid)
    finally:
        stop([child])


def _await_health(child: Child) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with urllib.request.urlopen(f"{child.url}/health", timeout=STARTS_WITHIN):
                return
        except (urllib.error.URLError, ConnectionError):
            assert not child.ended, child.log.read_text()
            assert time.monotonic() < deadline, child.log.read_text()
            time.sleep(0.05)
