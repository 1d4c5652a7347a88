"""Open the pull request of a run in the browser, else the page that compares its branch with the base."""

import click

from functions.clients.output import say
from functions.clients.runs import lookup, work
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import name_argument, with_target_options


@click.command(help=__doc__)
@name_argument
@click.option("--print", "only_print", is_flag=True, help="Print the address; start no browser.")
@with_target_options
def command(target: ClusterTarget, name: str, only_print: bool) -> None:
    """Open the page."""
    url = work.page(lookup.find(target, name))
    print(url, flush=True)
    if not only_print and click.launch(url):
        say("no browser could be started")
