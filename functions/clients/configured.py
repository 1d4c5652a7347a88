"""The settings of a command: the same as those of the functions, from the same places."""

from typing import TYPE_CHECKING

from functions.clients.errors import as_command_error

if TYPE_CHECKING:
    from functions.settings import Settings


def settings() -> "Settings":
    """The settings of this process. Raises CommandError, naming every key that is wrong."""
    import os

    from functions.settings import SettingsError, load

    with as_command_error(SettingsError):
        return load(os.environ)
