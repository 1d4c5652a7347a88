"""The error edge of the command line: what went wrong in the words of the part it went wrong in, and exit code 1.

A command imports the parts it needs when it is called, so only the command knows which of their errors are the
user's to mend. It says so with `told`; every other exception is a defect and keeps its stack trace.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class CommandError(Exception):
    """The command could not do its work; the text is for the user."""


@contextmanager
def told(*families: type[Exception]) -> Iterator[None]:
    """Raises CommandError, with the same text, in place of errors of these families."""
    try:
        yield
    except families as error:
        raise CommandError(str(error)) from error
