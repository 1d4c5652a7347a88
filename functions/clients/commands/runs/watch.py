"""Follow runs until Ctrl-C; with NAME until that run ends.

With NAME the exit code is 0 if the run succeeded, and 1 if it ended otherwise.
"""

import sys

import click

from functions.clients.output import say
from functions.clients.runs import filters, lookup, overview, watch_view
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import kind_option, run_names, with_target_options
from functions.runs.lifecycle import states
from functions.views.next_step import next_step


@click.command(help=__doc__)
@click.argument("name", default="", shell_complete=run_names, help="The run's name; without it all unfinished runs.")
@kind_option
@with_target_options
def command(target: ClusterTarget, name: str, kind: str) -> None:
    """Show the run, or all unfinished ones."""
    only = filters.kind(kind)
    if not name:
        overview.watch(target, filters.Wanted(only), sys.stdout)
    run = watch_view.watch(target, lookup.find(target, name), sys.stdout)
    say(f"next: {next_step(run)}")
    if states.state(run.status) is not states.State.SUCCEEDED:
        raise click.exceptions.Exit(1)
