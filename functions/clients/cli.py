"""The command `orchestrator`: one module per group of commands, each with a Typer `app` of its own.

Commands import what they need when they are called: `--help` and completion stay fast, and a command that talks to a
cluster needs no embedded one.
"""

import os
import signal
import sys
from types import FrameType

import typer

from functions.clients import config, machine, queues, render, watch
from functions.clients.failing import CommandError
from functions.clients.runs import app as runs
from functions.clients.tasks import commands as tasks

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

app = typer.Typer(
    name="orchestrator",
    help=HELP,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: the same on a terminal, in a pipe and in a log
    pretty_exceptions_enable=False,  # a plain stack trace is enough, and shows no values
)
app.add_typer(tasks.app)
app.add_typer(runs.app)
app.add_typer(render.app)
app.add_typer(config.app)
app.add_typer(machine.app)
app.add_typer(watch.app)
app.add_typer(queues.app)


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
    except KeyboardInterrupt:  # between commands: while one runs, Typer turns it into the same exit code
        return 130
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
