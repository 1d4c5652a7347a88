"""Errors of the command line, with exit codes.

    CommandError        1: the command failed or was refused; it will fail again until something is changed
      WrongUsage        2: an option, an argument or a variable is missing or wrong
      Unavailable       3: a server could not be reached or is busy; the same command may succeed later

Each command declares with `as_command_error` which errors of other packages a user can fix. Every other exception is
a defect and keeps its stack trace.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class CommandError(Exception):
    """The command failed; the text is for the user."""

    exit_code: ClassVar[int] = 1


class WrongUsage(CommandError):
    """An option, an argument or a variable is missing or wrong; the text names it."""

    exit_code: ClassVar[int] = 2


class Unavailable(CommandError):
    """A server could not be reached or is busy; the same command may succeed later."""

    exit_code: ClassVar[int] = 3


@contextmanager
def as_command_error(*families: type[Exception]) -> Iterator[None]:
    """Convert errors of these families to CommandError with the same text."""
    try:
        yield
    except families as error:
        raise CommandError(str(error)) from error
