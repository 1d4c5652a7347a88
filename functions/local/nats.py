"""Runs a NATS server with JetStream as a process on a loopback port."""

import os
import shutil
from pathlib import Path

from functions.local.server_process import ServerProcess, ServerProcessError

HINT = "install nats-server (Debian: apt-get install nats-server; nats.io, Download)"
CONFIGURATION = """\
listen: "127.0.0.1:{port}"
max_payload: 8MB
jetstream {{ store_dir: "{store}" }}
"""


def find() -> str | None:
    """Return the path of the program; None if it is not installed. Debian has it in a folder of administrators."""
    return shutil.which("nats-server", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


class NatsServer(ServerProcess):
    """One server; `url` is its address. It keeps messages in `folder`; `configuration` is added to its own."""

    def __init__(self, port: int, folder: Path, log: Path, configuration: str = "") -> None:
        super().__init__("NATS", port, log)
        self.url = f"nats://127.0.0.1:{port}"
        self._folder = folder
        self._configuration = CONFIGURATION.format(port=port, store=folder / "jetstream") + configuration

    def start(self) -> None:
        """Start the server and return once it accepts connections; raise ServerProcessError."""
        program = find()
        if program is None:
            raise ServerProcessError(f"NATS is not installed: {HINT}")
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "nats-server.conf"
        file.write_text(self._configuration)
        self.run([program, "-c", str(file)])
