"""The command `orchestrator`: each command, or group of them, is in a module of its own.

A module is imported when its command is asked for, and imports what it needs when it is called: `--help` and
completion stay fast, and a command that talks to a cluster needs no embedded one.
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any

import click

from functions.clients import stdout
from functions.clients.errors import CommandError

HELP = """Runs coding agents as Kubernetes Jobs: docs runs and code runs.

\b
  orchestrator task docs -w services/shop         document the Task Master tasks of a directory
  orchestrator task code 3 -s shop                implement task 3
"""
EXIT_CODES = """\b
Exit codes:
  0    done
  1    failed or refused: standard error says why, and what to do
  2    wrong usage
  3    a server could not be reached or is busy: the same command may succeed later
  130  stopped by Ctrl-C
"""
STOPPED = 130
"""As shells have it for SIGINT: 128 and the signal's number."""

COMMANDS: Mapping[str, str] = {
    "task": "tasks.commands:app",
    "runs": "runs.app:app",
    "render": "render:render",
    "config": "config:app",
    "run": "local_stack:run",
    "dev": "local_stack:dev",
    "watch": "watch:watch",
    "queues": "queues:app",
    "completion": "completion:completion",
}
"""Where each command is: module of this package, and name in it."""


class Commands(click.Group):
    """The commands of COMMANDS."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command of that name; None where there is none."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        found: click.Command = getattr(import_module(f"functions.clients.{module}"), attribute)
        return found

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Reads the arguments, or tells of the commands; stopped by a signal it has an exit code of its own."""
        with _stoppable():
            return super().make_context(*args, **extra)

    def invoke(self, context: click.Context) -> object:
        """Runs one; so has this."""
        with _stoppable():
            return super().invoke(context)


@contextmanager
def _stoppable() -> Iterator[None]:
    """In place of Click's "Aborted!", which exits with 1."""
    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Exit(STOPPED) from None


app = Commands(name="orchestrator", help=HELP, epilog=EXIT_CODES, no_args_is_help=True)


def run() -> int:
    """A process that runs one command; returns the exit code.

    At its end Python would look through all objects for garbage, several times: a sixth of what `task code` takes,
    for memory that goes back as a whole. What is frozen it does not look through (docs.python.org: gc.freeze).
    """
    with stdout.own() as output:
        output.code = main()
    gc.freeze()
    return output.code


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code, as in EXIT_CODES."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # else it looks through all that is installed for some
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app(args=arguments, prog_name="orchestrator")
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
