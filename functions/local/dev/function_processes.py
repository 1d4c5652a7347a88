"""The functions as separate processes, each served by functions-framework exactly as when it is deployed.

Every process leads its own process group. Its pid and start time are recorded in a file, so that the next start finds
and ends the processes left by a SIGKILL.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from functions.local.runner.shim import process_tree

MAIN = Path(__file__).resolve().parents[2] / "main.py"

LARGEST_PID = 2**31 - 1
"""The largest value of a pid_t."""


class RegisterError(Exception):
    """The record of processes is damaged, so leftover processes are unknown; the text names the file and the remedy."""

    def __init__(self, file: Path) -> None:
        remedy = "end the processes of an earlier start (`ps -ef | grep functions`), then remove the file"
        super().__init__(f"{file} is damaged, so the processes of an earlier start are unknown: {remedy}")


class Process(Protocol):
    """A process started by the stack."""

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process; None before it is started."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the process is not running."""
        ...


@dataclass
class Program:
    """A command as a process; `target` is for people."""

    target: str
    command: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    cwd: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def ended(self) -> bool:
        """Whether the process is not running."""
        return self.process is None or self.process.poll() is not None

    def start(self) -> None:
        """Start the process; its output is appended to its log."""
        with self.log.open("ab") as log:
            self.process = self._started(stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _started(self, **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self.command, env=dict(self.environ), cwd=self.cwd, **options)


class Child(Program):
    """One function, served on a port."""

    def __init__(self, target: str, port: int, environ: Mapping[str, str], log: Path) -> None:
        framework = [sys.executable, "-m", "functions_framework", "--source", str(MAIN), "--target", target]
        super().__init__(target, [*framework, "--host", "127.0.0.1", "--port", str(port)], environ, log)
        self.url = f"http://127.0.0.1:{port}"


class CommandChild(Program):
    """A command of `orchestrator` that stays up, such as the dispatcher."""

    def __init__(self, name: str, options: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        command = [sys.executable, "-m", "functions.clients", name, *options]
        super().__init__(name, command, environ, log, cwd=MAIN.parents[1])


def stop(children: Sequence[Process], seconds: float = 5) -> None:
    """End the process groups: SIGTERM to all of them, SIGKILL after `seconds`."""
    processes = [child.process for child in children if child.process]
    deadline = time.monotonic() + seconds
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            _signal(process.pid, number)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))


class Register:
    """The record of started processes, kept in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, children: Sequence[Process]) -> None:
        """Record the processes that run now."""
        started = {}
        for child in children:
            if child.process and not child.ended:
                with contextlib.suppress(psutil.NoSuchProcess):
                    started[child.process.pid] = psutil.Process(child.process.pid).create_time()
        scratch = self._file.with_suffix(".new")
        scratch.write_text(json.dumps(started))
        scratch.replace(self._file)

    def end_leftovers(self) -> int:
        """End the recorded processes of an earlier start that still run; return how many there were.

        Raises:
            RegisterError: the file is damaged; no process is ended.
        """
        leftovers = [pid for pid, started in self._recorded() if process_tree.find(pid, started)]
        for pid in leftovers:
            _signal(pid, signal.SIGKILL)
        return len(leftovers)

    def _recorded(self) -> list[tuple[int, float]]:
        """Return the recorded process ids and start times, in seconds since the epoch."""
        try:
            recorded = {int(pid): float(started) for pid, started in json.loads(self._file.read_bytes()).items()}
        except FileNotFoundError:
            return []
        except (OSError, AttributeError, TypeError, ValueError, RecursionError) as error:
            raise RegisterError(self._file) from error
        if not all(1 < pid <= LARGEST_PID for pid in recorded):
            raise RegisterError(self._file)
        return list(recorded.items())


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
