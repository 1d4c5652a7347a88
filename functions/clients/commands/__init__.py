"""Run coding agents as Kubernetes Jobs: docs runs and code runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from functions import __revision__, __version__
from functions.clients.lazy_group import LazyGroup

EPILOG = """\b
Examples:
  orchestrator task docs -w services/shop         document the Task Master tasks of a directory
  orchestrator task code 3 -s shop                implement task 3

\b
Exit codes:
  0    done
  1    failed or refused: standard error says why, and what to do
  2    wrong usage
  3    a server could not be reached or is busy: the same command may succeed later
  130  stopped by Ctrl-C
"""
STOPPED = 130
"""Exit code after SIGINT, as in shells: 128 and the signal's number."""

NAMES = (
    "task",
    "runs",
    "ui",
    "render",
    "config",
    "doctor",
    "github",
    "run",
    "dev",
    "watch",
    "dispatch",
    "queues",
    "completion",
)


class Root(LazyGroup):
    """The command `orchestrator`; Ctrl-C exits with STOPPED in place of Click's "Aborted!" and 1."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the arguments."""
        with _stoppable():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _stoppable():
            return super().invoke(ctx)


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Exit(STOPPED) from None


VERSION = f"{__version__} ({__revision__})".removesuffix(" (unknown)")
"""The version, and the revision in an image."""

command = click.version_option(VERSION, message="%(prog)s %(version)s")(
    Root(__name__, NAMES, __doc__, EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
)
