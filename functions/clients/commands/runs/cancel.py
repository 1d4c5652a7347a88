"""Stop a run; what its agent committed and pushed stays."""

import click

from functions.clients.options import output_option
from functions.clients.output import Output
from functions.clients.runs import lookup, requests
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import name_argument, with_target_options
from functions.runs.lifecycle.event_filters import is_final


@click.command(help=__doc__)
@name_argument
@output_option
@with_target_options
def command(target: ClusterTarget, name: str, output: Output) -> None:
    """Ask the run to stop."""
    run = requests.cancel(target, lookup.find(target, name))
    requests.confirm(run, "has already ended" if is_final(run) else "is asked to stop", output)
