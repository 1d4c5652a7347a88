"""The command line in the test's own process, which is faster than a process for each command."""

import io
import os
import signal
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from functions.clients.cli import main
from tests.clients.conftest import Ended


def command(*arguments: str, typed: str = "", **environ: str) -> Ended:
    """Run a command with these variables besides PATH; both output streams are pipes."""
    out, err = io.StringIO(), io.StringIO()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    given = {"PATH": os.environ["PATH"], **environ}
    try:
        with (
            patch.dict(os.environ, given, clear=True),
            patch("sys.stdin", io.StringIO(typed)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main(list(arguments))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return Ended(code, out.getvalue(), err.getvalue())
