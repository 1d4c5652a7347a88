"""Show what the agent of a run did.

The agent's JSON stream is turned into text, also in a pipe; --raw leaves it unchanged.
"""

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import click

from functions.clients.errors import WrongUsage
from functions.clients.output import say
from functions.clients.runs import logs, lookup
from functions.clients.runs.logs import Line
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import name_argument, with_target_options
from functions.cluster.pod_log import Portion
from functions.runs.model.status import rfc3339
from functions.views.agent_output import SessionTotals


@click.command(help=__doc__)
@name_argument
@click.option("--attempt", type=click.IntRange(min=1), help="This attempt, not the last one.")
@click.option("-p", "--previous", is_flag=True, help="The attempt before the last one.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more until the run has ended.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N of the pod's lines.")
@click.option("--since", default="", metavar="DURATION", help="Only lines newer than this, such as 90s, 5m or 2h.")
@click.option("--raw", is_flag=True, help="Print the pod's lines unchanged.")
@with_target_options
def command(
    target: ClusterTarget,
    name: str,
    attempt: int | None,
    previous: bool,
    follow: bool,
    tail: int | None,
    since: str,
    raw: bool,
) -> None:
    """Print the log."""
    if attempt and previous:
        raise WrongUsage("give --attempt or --previous, not both")
    portion = Portion(_since(since), tail)
    run = lookup.find(target, name)
    if previous:
        attempt = logs.before_last(run)
    chosen = logs.attempt(run, attempt) if attempt or not follow else None
    if follow or not chosen:
        lines = logs.follow(target, run, time.sleep, chosen, portion)
    else:
        lines = logs.read(target, run, chosen, portion)
    _print(lines, raw)
    ended = lookup.read_again(target, run) if follow else None
    if ended:
        say(f"{ended.name}: {logs.state(ended)}")


def _since(text: str) -> str:
    """Return the time so long ago, in RFC 3339; empty for no text.

    Raises:
        WrongUsage: the text is not a duration.
    """
    if not text:
        return ""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text)
    if not parts:
        raise WrongUsage(f"--since: {text!r} is not a duration, such as 90s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return rfc3339(datetime.now(UTC) - timedelta(hours=hours, minutes=minutes, seconds=seconds))


def _print(lines: Iterable[Line], raw: bool) -> None:
    totals = SessionTotals()
    for line in lines:
        if line.note:
            say(line.text)
        elif text := (line.text if raw else totals.read(line.text)):
            print(text, flush=True)
