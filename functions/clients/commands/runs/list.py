"""List runs, newest first."""

from datetime import UTC, datetime

import click

from functions.clients.options import output_option
from functions.clients.output import Output, say, write
from functions.clients.runs import filters
from functions.clients.runs.target import ClusterTarget
from functions.clients.target_options import kind_option, with_target_options
from functions.views import rows

NEWEST = 30
"""Runs that a list shows without --all."""


@click.command(help=__doc__)
@kind_option
@click.option("--phase", default="", help="Only runs in this phase, such as Running.")
@click.option("-s", "--service", default="", help="Only code runs for this service.")
@click.option("--all", "every", is_flag=True, help=f"All runs, not only the newest {NEWEST}.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Runs of every namespace.")
@output_option
@with_target_options
def command(
    target: ClusterTarget, kind: str, phase: str, service: str, every: bool, everywhere: bool, output: Output
) -> None:
    """Print the runs."""
    wanted = filters.Wanted(filters.kind(kind), filters.phase(phase), service, everywhere)
    runs = filters.runs(target, wanted)
    shown = runs if every else runs[:NEWEST]
    empty = "no such runs" if wanted.narrow else f"no runs in namespace {target.namespace}"
    write(
        output,
        [rows.summary(raw) for raw in shown],
        lambda: rows.tables(shown, datetime.now(UTC), namespaces=everywhere) or empty,
    )
    if len(shown) < len(runs):
        say(f"the newest {NEWEST} of {len(runs)} runs; --all shows every one")
