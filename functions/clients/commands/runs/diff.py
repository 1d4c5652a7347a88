"""Show what a run has changed, as a diff against its base branch.

git fetches both branches from the run's repository into a folder that is deleted afterwards, with your own
credentials. On a terminal git's pager and colours apply.
"""

import click

from functions.clients.runs import lookup, work
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import name_argument, with_target_options


@click.command(help=__doc__)
@name_argument
@click.option("--stat", is_flag=True, help="Only the changed files, with how many lines were added and removed.")
@with_target_options
def command(target: ClusterTarget, name: str, stat: bool) -> None:
    """Print the diff."""
    work.show_diff(lookup.find(target, name), stat=stat)
