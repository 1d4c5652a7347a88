"""Entry point of `orchestrator` and of `python -m functions.clients`; handles Ctrl-C during imports."""

import os
import signal
import sys

STOPPED = 130
"""Exit code after SIGINT; `functions.clients.commands` defines it too but is not imported yet."""


def main() -> int:
    """Run one command; return the exit code."""
    before = signal.signal(signal.SIGINT, _stop)
    from functions.clients.cli import run  # slow: the handler above must be in place first

    try:
        signal.signal(signal.SIGINT, before)
        return run()
    except KeyboardInterrupt:  # outside the code that handles it
        return STOPPED


def _stop(_number: int, _frame: object) -> None:
    """Exit at once: nothing has been done yet, and KeyboardInterrupt during an import prints a long traceback."""
    os._exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main())
