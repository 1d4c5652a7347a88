"""Python processes forked from one that has the modules loaded: a start costs a tenth of the processor time.

A forked process has its own session, environment, working directory and files, like one that was started anew.
`python -m tests.support.fork_server` is the server: for each order on its socket it forks, and answers with the pid.
"""

import atexit
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType
from typing import IO, Any, cast

import psutil
import pytest

from functions.local.dev.function_processes import Program
from tests.support.installed import ROOT

PRELOADED = ("functions_framework._cli", "functions_framework._http.gunicorn", "functions.composition", "functions.app")
PACKAGES = ("functions.handlers",)
"""Packages whose modules are all loaded."""
LARGEST_ORDER = 1 << 20
"""Maximum size of an order in bytes."""


class Forked:
    """A process of the server, with what tests use of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended: int | None = None
        with suppress(ProcessLookupError):  # it has ended already
            self._ended = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return None while the process runs, else 0: its exit code is not known."""
        return 0 if self._has_ended(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raise subprocess.TimeoutExpired."""
        if not self._has_ended(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return 0

    def _has_ended(self, timeout: float | None) -> bool:
        if self._ended is None:
            return True
        waiting = select.poll()  # select(2) takes no descriptor above 1023
        waiting.register(self._ended, select.POLLIN)
        return bool(waiting.poll(None if timeout is None else timeout * 1000))

    def __del__(self) -> None:
        if self._ended is not None:
            os.close(self._ended)


@contextmanager
def forked_functions() -> Iterator[None]:
    """Fork the functions and commands that `function_processes` starts in the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Program, "_started", _forked)
        yield


def _forked(program: Program, *, stdout: IO[bytes], **_: Any) -> "subprocess.Popen[bytes]":
    """Run the program's module as `Program._started` does."""
    module, *options = program.command[2:]  # python -m
    cwd = str(program.cwd or Path.cwd())
    order: dict[str, Any] = {"module": module, "options": options, "environ": dict(program.environ), "cwd": cwd}
    with Path(os.devnull).open("rb") as stdin:
        socket.send_fds(_server(), [json.dumps(order).encode()], [each.fileno() for each in (stdin, stdout, stdout)])
    return cast("subprocess.Popen[bytes]", Forked(int(_server().recv(20))))


@cache
def _server() -> socket.socket:
    """Return the connection to this process's server, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())]
    server = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
    theirs.close()
    atexit.register(server.wait, 10)
    atexit.register(ours.close)
    return ours


def _serve(connection: socket.socket) -> None:
    """Fork for each order and end what runs once the other end is closed; in a forked process, run the module."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        order, files, _, _ = socket.recv_fds(connection, LARGEST_ORDER, 3)
        if not order:
            for left in psutil.Process().children():
                with suppress(ProcessLookupError):
                    os.killpg(left.pid, signal.SIGKILL)
            return
        if os.fork() == 0:
            _become(json.loads(order), files, connection)
            return
        for each in files:
            os.close(each)


def _reap(number: int, frame: FrameType | None) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(order: dict[str, Any], files: list[int], connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    connection.send(str(os.getpid()).encode())
    connection.close()
    for number, each in enumerate(files):
        os.dup2(each, number)
        os.close(each)
    os.chdir(order["cwd"])
    sys.path[0] = order["cwd"]
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv = [order["module"], *order["options"]]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _load() -> None:
    for package in map(importlib.import_module, PACKAGES):
        for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(each.name)
    for name in PRELOADED:
        importlib.import_module(name)


if __name__ == "__main__":
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
