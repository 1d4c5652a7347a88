"""The settings of a command: the same as those of the functions, from the same sources."""

import os
from pathlib import Path

from functions.clients.errors import as_command_error
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from functions.settings.model import Settings
from functions.settings.sources import FILE


def load_settings(file: Path | None = None, *, starts_containers: bool = True) -> Settings:
    """Return the settings of this process, from `file` in place of the one that ORCHESTRATOR_CONFIG names.

    A command that starts no containers needs no image.

    Raises:
        CommandError: names every setting that is wrong.
    """
    with as_command_error(SettingsError):
        environ = {**os.environ, FILE: str(file)} if file else os.environ
        return load(environ, image=None if starts_containers else "not-used")
