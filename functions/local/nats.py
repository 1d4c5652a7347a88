"""Runs a NATS server with JetStream as a process on a loopback port."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

HINT = "install nats-server (Debian: apt-get install nats-server; nats.io, Download)"
START_SECONDS = 60.0
"""Longest start; it takes a fraction of a second on an idle machine."""

CONFIGURATION = """\
listen: "127.0.0.1:{port}"
max_payload: 8MB
jetstream {{ store_dir: "{store}" }}
"""


class NatsServerError(Exception):
    """The server is not installed or did not start; the text contains the remedy or the log's path."""


def find() -> str | None:
    """Return the path of the program; None if it is not installed. Debian has it in a folder of administrators."""
    return shutil.which("nats-server", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


class NatsServer:
    """One server; `url` is its address. It keeps messages in `folder`; `configuration` is added to its own."""

    def __init__(self, port: int, folder: Path, log: Path, configuration: str = "") -> None:
        self.url = f"nats://127.0.0.1:{port}"
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._port, self._folder = port, folder
        self._configuration = CONFIGURATION.format(port=port, store=folder / "jetstream") + configuration

    @property
    def ended(self) -> bool:
        """Whether the process is not running."""
        return self.process is None or self.process.poll() is not None

    def start(self) -> None:
        """Start the server and return once it accepts connections; raise NatsServerError."""
        program = find()
        if program is None:
            raise NatsServerError(f"NATS is not installed: {HINT}")
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "nats-server.conf"
        file.write_text(self._configuration)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program, "-c", str(file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.ended or time.monotonic() > deadline:
                self.stop()
                raise NatsServerError(f"NATS did not start; see its log {self.log}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server; messages stay on disk."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True
