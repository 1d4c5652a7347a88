"""The error edge of the command line: what went wrong in the words of the part it went wrong in, and an exit code.

    CommandError        1: it failed, or was refused; the same command will fail again until something is changed
      WrongUsage        2: an option, an argument or a variable is missing or wrong
      Unavailable       3: what it needs could not be reached or is busy; the same command may succeed later

A command imports the parts it needs when it is called, so only the command knows which of their errors are the
user's to mend. It says so with `told`; every other exception is a defect and keeps its stack trace.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class CommandError(Exception):
    """The command could not do its work; the text is for the user."""

    exit_code: ClassVar[int] = 1


class WrongUsage(CommandError):
    """An option, an argument or a variable is missing or wrong; the text names it."""

    exit_code: ClassVar[int] = 2


class Unavailable(CommandError):
    """What the command needs could not be reached or is busy; the same command may succeed later."""

    exit_code: ClassVar[int] = 3


@contextmanager
def as_command_error(*families: type[Exception]) -> Iterator[None]:
    """Raises CommandError, with the same text, in place of errors of these families."""
    try:
        yield
    except families as error:
        raise CommandError(str(error)) from error
