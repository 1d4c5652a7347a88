"""The settings of a command: the same as those of the functions, from the same sources."""

import os
from pathlib import Path

from functions.clients.errors import CommandError
from functions.queues.topology import FUNCTIONS
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from functions.settings.model import Settings
from functions.settings.queues import QueueSettings
from functions.settings.sources import FILE


def load_settings(file: Path | None = None, *, starts_containers: bool = True) -> Settings:
    """Return the settings of this process, from `file` in place of the one that ORCHESTRATOR_CONFIG names.

    A command that starts no containers needs no image.

    Raises:
        CommandError: names every setting that is wrong.
    """
    environ = {**os.environ, FILE: str(file)} if file else os.environ
    try:
        return load(environ, image=None if starts_containers else "not-used")
    except SettingsError as error:
        text = str(error)
        raise CommandError(text.removeprefix(f"{FILE}: ") if file else text) from error


def check_endpoints(queues: QueueSettings) -> list[str]:
    """Return the functions without an endpoint; raise CommandError for an endpoint without a function."""
    problem = unknown_endpoints(queues)
    if problem:
        raise CommandError(problem)
    return [name for name in FUNCTIONS if name not in queues.endpoints]


def unknown_endpoints(queues: QueueSettings) -> str:
    """Return what is wrong with the setting queues.endpoints: those without a function; empty if there is none."""
    unknown, known = ", ".join(sorted(set(queues.endpoints) - set(FUNCTIONS))), ", ".join(FUNCTIONS)
    return f"setting queues.endpoints: no function {unknown}; there are {known}" if unknown else ""
