"""Standard output that can fail: on a full disk or a closed pipe (`orchestrator ... | head -1`).

An OSError does not say which file it concerns, and unexpected ones are defects. Errors of standard output are therefore
raised as Unwritable.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

FAILED = 1


class Unwritable(OSError):
    """Standard output cannot be written."""


class Outcome:
    """The exit code of the command."""

    code = 0


@contextlib.contextmanager
def own() -> Iterator[Outcome]:
    """Report a failure of standard output in one line; a closed pipe is not reported."""
    outcome = Outcome()
    if sys.stdout is not None:  # None: the parent process closed it
        sys.stdout = cast("TextIO", _Stream(sys.stdout))
    try:
        yield outcome
        if sys.stdout is not None:
            sys.stdout.flush()
    except Unwritable as error:
        outcome.code = FAILED
        _report(error)


class _Stream:
    """A stream whose errors are Unwritable."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _as_unwritable():
            return self._stream.write(text)

    def flush(self) -> None:
        with _as_unwritable():
            self._stream.flush()


@contextlib.contextmanager
def _as_unwritable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(error.errno, error.strerror) from None


def _report(error: Unwritable) -> None:
    with contextlib.suppress(OSError):
        if error.errno != errno.EPIPE:
            print(f"orchestrator: standard output: {error.strerror}", file=sys.stderr, flush=True)
        # The rest of the buffer cannot be written either; Python would report that once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
