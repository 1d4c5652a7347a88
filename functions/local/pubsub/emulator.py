"""Runs the emulator as a process on a loopback port."""

import contextlib
import shutil
import subprocess
from pathlib import Path

from functions.local.server_process import ServerProcess, ServerProcessError

PROGRAM = Path("platform/pubsub-emulator/bin/cloud-pubsub-emulator")
"""Path below the root of the Google Cloud SDK."""
HINT = "install the Google Cloud SDK, `gcloud components install pubsub-emulator`, and a Java runtime"


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


class Emulator(ServerProcess):
    """One emulator; `address` is its host:port. It keeps everything in memory."""

    def __init__(self, port: int, log: Path) -> None:
        super().__init__("the Pub/Sub emulator", port, log)
        self.address = f"127.0.0.1:{port}"

    def start(self) -> None:
        """Start the emulator and return once it accepts connections; raise ServerProcessError."""
        program = find()
        if program is None:
            raise ServerProcessError(f"the Pub/Sub emulator is not installed: {HINT}")
        self.run([str(program), "--host=127.0.0.1", f"--port={self._port}"])
