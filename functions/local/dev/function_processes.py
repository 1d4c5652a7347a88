"""The functions as processes of their own, each served by functions-framework exactly as when it is deployed.

Every process leads a group of its own and is written down with its start time, so that the next start finds what a
SIGKILL left behind, and ends it.
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
from typing import Protocol

import psutil

from functions.local.runner.shim import process_tree

MAIN = Path(__file__).resolve().parents[2] / "main.py"


LARGEST_PID = 2**31 - 1
"""Of a pid_t."""


class RegisterError(Exception):
    """The list of processes is damaged: nobody knows which are ours. The text names it and says what to do."""

    def __init__(self, file: Path) -> None:
        remedy = "end what an earlier start left behind (`ps -ef | grep functions`), then remove the file"
        super().__init__(f"{file} is damaged, and says no more which processes were started from here: {remedy}")


class Process(Protocol):
    """Something that was started from here."""

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process; None before its start."""
        ...

    @property
    def ended(self) -> bool:
        """Whether it has gone."""
        ...


@dataclass
class Child:
    """One function, served on a port."""

    target: str
    port: int
    environ: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the function answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ended(self) -> bool:
        """Whether the process has gone without being told to."""
        return self.process is None or self.process.poll() is not None

    def start(self) -> None:
        """Starts the process; its output is added to its log."""
        framework = [sys.executable, "-m", "functions_framework"]
        options = ["--source", str(MAIN), "--target", self.target, "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*framework, *options],
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def stop(children: list[Child], seconds: float = 5) -> None:
    """Ends the processes and all of their groups: asks all of them, and after so long ends what is left."""
    processes = [child.process for child in children if child.process]
    until = time.monotonic() + seconds
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            _signal(process.pid, number)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, until - time.monotonic()))


class Register:
    """Which processes were started from here, kept in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, children: Sequence[Process]) -> None:
        """Notes the processes that run now."""
        started = {}
        for child in children:
            if child.process and not child.ended:
                with contextlib.suppress(psutil.NoSuchProcess):
                    started[child.process.pid] = psutil.Process(child.process.pid).create_time()
        scratch = self._file.with_suffix(".new")
        scratch.write_text(json.dumps(started))
        scratch.replace(self._file)

    def end_leftovers(self) -> int:
        """Ends what an earlier start noted and did not end itself; returns how many there were.

        Raises RegisterError, and ends nothing, where not all that is noted can be read.
        """
        found = [pid for pid, started in self._noted() if process_tree.find(pid, started)]
        for pid in found:
            _signal(pid, signal.SIGKILL)
        return len(found)

    def _noted(self) -> list[tuple[int, float]]:
        """Process ids, and when each was started, in seconds since the epoch."""
        try:
            noted = {int(pid): float(started) for pid, started in json.loads(self._file.read_bytes()).items()}
        except FileNotFoundError:
            return []
        except (OSError, AttributeError, TypeError, ValueError, RecursionError) as error:
            raise RegisterError(self._file) from error
        if not all(1 < pid <= LARGEST_PID for pid in noted):
            raise RegisterError(self._file)
        return list(noted.items())


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
