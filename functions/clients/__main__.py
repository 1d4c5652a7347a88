"""The command `orchestrator`, also as `python -m functions.clients`. Ctrl-C may come while all it needs is loaded."""

import os
import signal
import sys

STOPPED = 130
"""As in the exit codes of `orchestrator --help`, which are not loaded yet."""


def main() -> int:
    """Runs one command; returns the exit code."""
    before = signal.signal(signal.SIGINT, _stop)
    from functions.clients.cli import run

    try:
        signal.signal(signal.SIGINT, before)
        return run()
    except KeyboardInterrupt:  # before or after all that handles it
        return STOPPED


def _stop(_number: int, _frame: object) -> None:
    """Ends at once: nothing has been done yet, and an exception in the middle of an import is told in many lines."""
    os._exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main())
