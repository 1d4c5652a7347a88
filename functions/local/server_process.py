"""A server program of another project, as a process on a loopback port."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

START_SECONDS = 60.0
"""Longest start; it takes at most about a second on an idle machine."""
STOP_SECONDS = 10.0
"""Longest stop; then the process group is killed."""


class ServerProcessError(Exception):
    """The program is not installed or did not start; the text contains the remedy or the log's path."""


class ServerProcess:
    """One server, the leader of its own process group; `name` is for people."""

    def __init__(self, name: str, port: int, log: Path) -> None:
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._name, self._port = name, port

    @property
    def ended(self) -> bool:
        """Whether the process is not running."""
        return self.process is None or self.process.poll() is not None

    def run(self, command: Sequence[str]) -> None:
        """Start the command and return once it accepts connections; raise ServerProcessError."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts_connections():
            if self.ended or time.monotonic() > deadline:
                self.stop()
                raise ServerProcessError(f"{self._name} did not start; see its log {self.log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the process group: SIGTERM, after STOP_SECONDS SIGKILL."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)

    def _accepts_connections(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True
