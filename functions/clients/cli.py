"""The process of the command `orchestrator`: output, signals, exit codes."""

import gc
import os
import signal
import sys
from types import FrameType

from functions.clients import stdout
from functions.clients.commands import STOPPED, command
from functions.clients.errors import CommandError


def run() -> int:
    """Run one command as a whole process; return its exit code.

    Freezing all objects spares Python's garbage collections at exit (docs.python.org: gc.freeze).
    """
    with stdout.own() as output:
        output.code = main()
    gc.freeze()
    return output.code


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code, as listed in its help."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # otherwise pydantic searches all installed packages
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # the terminal was closed; nohup(1) ignores that
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        command(args=arguments, prog_name="orchestrator")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except CommandError as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # before or after a command
        return STOPPED
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
