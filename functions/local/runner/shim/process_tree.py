"""Finds and ends all processes that belong to one process.

A process may leave its group, and its parent may end before it. Both the group and the descendants are therefore
searched, repeatedly, until none is left.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

LONGEST_SECONDS = 10.0
"""How long to wait for killed processes: milliseconds suffice unless the kernel blocks one (a dead network disk)."""


SAME_START = 2.0
"""Seconds by which two readings of one process's start time may differ: both are derived from the boot time."""


def find(pid: int, started: float) -> psutil.Process | None:
    """Return the process with this pid and start time (seconds since the epoch); None if it has ended."""
    try:
        process = psutil.Process(pid)
        return process if abs(process.create_time() - started) < SAME_START else None
    except psutil.NoSuchProcess:
        return None


def group_and_descendants(leader: psutil.Process) -> list[psutil.Process]:
    """Return the running processes of the leader's group and its descendants in any group, without the leader."""
    try:
        processes = {*leader.children(recursive=True), *filter(_in_group(leader.pid), psutil.process_iter())}
    except psutil.NoSuchProcess:
        return []
    return [process for process in processes - {leader} if alive(process)]


def processes_of_pod(root: Path, leader: psutil.Process | None = None) -> list[psutil.Process]:
    """Return the processes with this POD_ROOT in their environment, without the leader."""
    return [process for process in psutil.process_iter() if process != leader and _has_root(process, root)]


def _has_root(process: psutil.Process, root: Path) -> bool:
    try:
        return process.environ().get("POD_ROOT") == str(root)
    except psutil.Error:
        return False


def alive(process: psutil.Process) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(find: Callable[[], list[psutil.Process]]) -> bool:
    """Kill the processes that `find` returns until it returns none; return False if that takes too long."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while remaining := find():
        for process in remaining:
            _kill(process)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _in_group(group: int) -> Callable[[psutil.Process], bool]:
    def belongs(process: psutil.Process) -> bool:
        try:
            return os.getpgid(process.pid) == group
        except (ProcessLookupError, PermissionError):
            return False

    return belongs
