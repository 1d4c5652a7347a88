"""The settings of a command: the same as those of the functions, from the same sources."""

import os

from functions.clients.errors import as_command_error
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from functions.settings.model import Settings


def load_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        CommandError: names every setting that is wrong.
    """
    with as_command_error(SettingsError):
        return load(os.environ)
