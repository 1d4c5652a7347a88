"""Runs the emulator as a process on a loopback port."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAM = Path("platform/pubsub-emulator/bin/cloud-pubsub-emulator")
"""Path below the root of the Google Cloud SDK."""
HINT = "install the Google Cloud SDK, `gcloud components install pubsub-emulator`, and a Java runtime"
START_SECONDS = 60.0
"""Longest start; it takes about one second on an idle machine."""


class EmulatorError(Exception):
    """The emulator is not installed or did not start; the text contains the remedy or the log's path."""


def find() -> Path | None:
    """Return the path of the emulator's program; None if it or Java is not installed."""
    gcloud = shutil.which("gcloud")
    if not gcloud or not shutil.which("java"):
        return None
    program = Path(gcloud).resolve().parents[1] / PROGRAM  # avoids `gcloud info`, which takes a second
    if program.is_file():
        return program
    command = [gcloud, "info", "--format=value(installation.sdk_root)"]
    with contextlib.suppress(subprocess.SubprocessError, OSError):
        root = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
        program = Path(root) / PROGRAM
        return program if program.is_file() else None
    return None


class Emulator:
    """One emulator; `address` is its host:port. It keeps everything in memory."""

    def __init__(self, port: int, log: Path) -> None:
        self.address = f"127.0.0.1:{port}"
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._port = port

    @property
    def ended(self) -> bool:
        """Whether the process is not running."""
        return self.process is None or self.process.poll() is not None

    def start(self) -> None:
        """Start the emulator and return once it accepts connections; raise EmulatorError."""
        program = find()
        if program is None:
            raise EmulatorError(f"the Pub/Sub emulator is not installed: {HINT}")
        command = [str(program), "--host=127.0.0.1", f"--port={self._port}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.ended or time.monotonic() > deadline:
                self.stop()
                raise EmulatorError(f"the Pub/Sub emulator did not start; see its log {self.log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill its process group: the program is a shell script that starts Java."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True
