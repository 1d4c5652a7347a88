"""The file that tells the agent's container the broker's address and which credentials cannot be used."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from functions.broker.problems import Problem

FILE = "ready.json"
SOCKET = "ssh.sock"
"""Names in the directory that both containers mount; only the broker's container can write to it."""

MODE = 0o440
"""Readable by the group of the pod's volumes (fsGroup), which the agent's container has too."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The file's content."""

    port: int
    """Port on loopback."""
    credential: str
    """The pod's random value."""
    problems: Mapping[str, Problem]
    """Problems by the part that cannot be used: `git`, `model`."""

    def write(self, directory: Path) -> None:
        """Write the file atomically."""
        new = directory / f".{FILE}.new"
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file)
        new.chmod(MODE)
        new.replace(directory / FILE)


def previous_address(directory: Path) -> tuple[int, str] | None:
    """Return port and credential of this container before it was restarted; None at its first start."""
    try:
        document = json.loads((directory / FILE).read_text())
    except FileNotFoundError:
        return None
    return int(document["port"]), str(document["credential"])
