"""Standard output that can fail: on a full disk, or because its reader has enough (`orchestrator ... | head -1`).

An OSError does not say what it is of, and all others that nobody expected are defects; so standard output says of
its own that they are.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

FAILED = 1


class Unwritable(OSError):
    """Standard output took no more."""


class Outcome:
    """The exit code of what was done."""

    code = 0


@contextlib.contextmanager
def own() -> Iterator[Outcome]:
    """Does what writes to standard output, and tells in one line where that fails; no line where nobody reads it."""
    outcome = Outcome()
    if sys.stdout is not None:  # closed by who started us
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
        # What is left in its buffer cannot be written either, and Python would tell of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
