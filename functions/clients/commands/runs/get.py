"""Show a run: its state, attempts, result, and what to do next."""

from datetime import UTC, datetime

import click

from functions.clients.options import output_option
from functions.clients.output import Output, write
from functions.clients.runs import lookup
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import name_argument, with_target_options
from functions.views import details


@click.command(help=__doc__)
@name_argument
@output_option
@with_target_options
def command(target: ClusterTarget, name: str, output: Output) -> None:
    """Print the run."""
    run = lookup.find(target, name)
    position = lookup.queue_position(target, run)
    write(output, details.facts(run, position), lambda: details.sheet(run, position, datetime.now(UTC)))
