"""List runs, newest first."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

import click

from functions.clients.errors import WrongUsage
from functions.clients.output import Output, say, write
from functions.clients.runs import filters, overview
from functions.clients.runs.run_table import RunTable
from functions.clients.runs.screen import console
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import kind_option, with_target_options
from functions.views import listing
from functions.views.rows import Raw

NEWEST = 30
"""Runs that a list shows without --all and --limit."""

ListOutput = Literal["table", "wide", "name", "json", "yaml"]

EXAMPLES = """\b
Examples:
  orchestrator runs list --phase failed
  orchestrator runs list -w                               the same table, kept up to date
  orchestrator runs list -o name --phase queued | xargs -n 1 orchestrator runs cancel
  orchestrator runs list --sort-by cost --limit 5
"""


@click.command(help=__doc__, epilog=EXAMPLES)
@kind_option
@click.option("--phase", default="", help="Only runs in this phase, such as Running.")
@click.option("-s", "--service", default="", help="Only code runs for this service.")
@click.option("-l", "--selector", default="", metavar="LABELS", help="Only runs with these labels, as in kubectl.")
@click.option("--sort-by", type=click.Choice(filters.ORDERS), default="age", show_default=True, help="The order.")
@click.option("--limit", type=click.IntRange(min=1), default=NEWEST, show_default=True, help="Most runs to show.")
@click.option("--all", "every", is_flag=True, help="Show all runs.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Runs of every namespace.")
@click.option("-w", "--watch", "watched", is_flag=True, help="Keep the list up to date until Ctrl-C.")
@click.option("-o", "--output", type=click.Choice(get_args(ListOutput)), default="table", show_default=True,
              help="How to write the result.")  # fmt: skip
@with_target_options
def command(
    target: ClusterTarget,
    kind: str,
    phase: str,
    service: str,
    selector: str,
    sort_by: str,
    limit: int,
    every: bool,
    everywhere: bool,
    watched: bool,
    output: ListOutput,
) -> None:
    """Print the runs."""
    wanted = filters.Wanted(filters.kind(kind), filters.phase(phase), service, selector, everywhere)
    if watched:
        _watch(target, wanted, limit, output)
    now = datetime.now(UTC)
    runs = filters.in_order(filters.runs(target, wanted), sort_by, now)
    shown = runs if every else runs[:limit]
    _print(_RunListing(shown, now, everywhere, _empty_message(target, wanted)), output)
    if len(shown) < len(runs):
        say(f"{_first(sort_by)} {limit} of {len(runs)} runs; --all shows every one, --limit more of them")


def _watch(target: ClusterTarget, wanted: filters.Wanted, limit: int, output: ListOutput) -> None:
    if output != "table":
        raise WrongUsage(f"--watch: shows a table, not {output}; leave -o out")
    overview.watch(target, wanted, sys.stdout, finished=True, most=limit)


def _first(order: str) -> str:
    return "the newest" if order == "age" else "the first"


def _empty_message(target: ClusterTarget, wanted: filters.Wanted) -> str:
    if wanted.narrow:
        return "no such runs"
    where = "any namespace" if wanted.everywhere else f"namespace {target.namespace}"
    return f"no runs in {where}"


@dataclass(frozen=True, slots=True)
class _RunListing:
    runs: Sequence[Raw]
    now: datetime
    namespaces: bool
    nothing: str

    def text(self, *, wide: bool) -> Callable[[], str]:
        """Return a function that makes the table as text."""
        return lambda: listing.text_table(self.runs, self.now, wide=wide, namespaces=self.namespaces) or self.nothing


def _print(listed: _RunListing, output: ListOutput) -> None:
    if output == "name":
        for raw in listed.runs:
            print(listing.reference(raw), flush=True)
    elif output == "table" and listed.runs and sys.stdout.isatty():
        console(sys.stdout).print(RunTable(listing.cells(listed.runs, listed.now, namespaces=listed.namespaces)))
    else:
        summaries = [listing.summary(raw) for raw in listed.runs]
        plain: Output = "table" if output == "wide" else output
        write(plain, summaries, listed.text(wide=output == "wide"))
