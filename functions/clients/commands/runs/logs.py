"""Show what the agent of a run did.

The agent's JSON stream is turned into text, also in a pipe; --raw leaves it unchanged.
"""

import time
from collections.abc import Iterable

import click

from functions.clients.errors import WrongUsage
from functions.clients.output import say
from functions.clients.runs import logs, lookup
from functions.clients.runs.logs import Line
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import name_argument, with_target_options
from functions.views.agent_output import SessionTotals


@click.command(help=__doc__)
@name_argument
@click.option("--attempt", type=click.IntRange(min=1), help="This attempt, not the last one.")
@click.option("-p", "--previous", is_flag=True, help="The attempt before the last one.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more until the run has ended.")
@click.option("--raw", is_flag=True, help="Print the pod's lines unchanged.")
@with_target_options
def command(target: ClusterTarget, name: str, attempt: int | None, previous: bool, follow: bool, raw: bool) -> None:
    """Print the log."""
    if attempt and previous:
        raise WrongUsage("give --attempt or --previous, not both")
    run = lookup.find(target, name)
    if previous:
        attempt = logs.before_last(run)
    chosen = logs.attempt(run, attempt) if attempt or not follow else None
    lines = logs.follow(target, run, time.sleep, chosen) if follow or not chosen else logs.read(target, run, chosen)
    _print(lines, raw)
    ended = lookup.read_again(target, run) if follow else None
    if ended:
        say(f"{ended.name}: {logs.state(ended)}")


def _print(lines: Iterable[Line], raw: bool) -> None:
    totals = SessionTotals()
    for line in lines:
        if line.note:
            say(line.text)
        elif text := (line.text if raw else totals.read(line.text)):
            print(text, flush=True)
