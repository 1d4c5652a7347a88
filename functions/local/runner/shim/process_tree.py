"""All processes that belong to one, and how they are ended.

A process may leave its group, and its parent may die before it; so both the group and the descendants are looked
at, again and again until nobody is left.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

LONGEST_SECONDS = 10.0
"""A killed process is gone within milliseconds, unless the kernel holds it (a dead network disk, say)."""


SAME_START = 2.0
"""Seconds by which two readings of one process's start time may differ: both are derived from the boot time."""


def find(pid: int, started: float) -> psutil.Process | None:
    """The process with this pid, told from a later one of the same pid by its start (seconds since the epoch)."""
    try:
        found = psutil.Process(pid)
        return found if abs(found.create_time() - started) < SAME_START else None
    except psutil.NoSuchProcess:
        return None


def family(leader: psutil.Process) -> list[psutil.Process]:
    """The living processes of the leader's group, and its descendants in any group; not the leader itself."""
    try:
        found = {*leader.children(recursive=True), *filter(_in_group(leader.pid), psutil.process_iter())}
    except psutil.NoSuchProcess:
        return []
    return [process for process in found - {leader} if alive(process)]


def living_in(root: Path, leader: psutil.Process | None = None) -> list[psutil.Process]:
    """The processes, but for the leader, whose environment says that they belong to the pod with this POD_ROOT."""
    return [process for process in psutil.process_iter() if process != leader and _lives_in(process, root)]


def _lives_in(process: psutil.Process, root: Path) -> bool:
    try:
        return process.environ().get("POD_ROOT") == str(root)
    except psutil.Error:
        return False


def alive(process: psutil.Process) -> bool:
    """Whether the process still runs: one that ended but was not waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(find: Callable[[], list[psutil.Process]]) -> bool:
    """Kills what `find` finds until it finds nothing; False if something would not go."""
    give_up = time.monotonic() + LONGEST_SECONDS
    while left := find():
        for process in left:
            _kill(process)
        if time.monotonic() > give_up:
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
