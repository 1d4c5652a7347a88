"""The commands of `orchestrator runs`. Each imports what it needs when it is called."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.clients.click_helpers import Group
from functions.clients.errors import WrongUsage
from functions.clients.options import output_option
from functions.clients.output import Output, say, write
from functions.clients.runs.options import kind_option, name_argument, names, with_target_options

if TYPE_CHECKING:
    from functions.clients.runs.logs import Line
    from functions.clients.runs.target import ClusterTarget
    from functions.runs.model.run import Run

HELP = """See runs, and ask something of them, with your own Kubernetes rights.

\b
  orchestrator runs list                          the newest runs of both kinds
  orchestrator runs get NAME                      one run, and what to do next
  orchestrator runs logs NAME --follow            what its agent does
  orchestrator runs watch NAME                    all of it, until the run ends
  orchestrator runs retry NAME --message 'Use the new API'
  orchestrator runs cancel NAME

The cluster is the one kubectl would ask. The namespace is the one given, else that of the kubeconfig's context, else
`orchestrator`. NAME may be written docs/NAME or code/NAME.
"""

app = Group("runs", help=HELP)

NEWEST = 30
"""Runs that a list shows unless asked for all."""


@app.command("list")
@kind_option
@click.option("--phase", default="", help="Only runs in this phase, such as Running.")
@click.option("-s", "--service", default="", help="Only code runs for this service.")
@click.option("--all", "every", is_flag=True, help=f"All of them, not only the newest {NEWEST}.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of every namespace.")
@output_option
@with_target_options
def list_runs(
    place: "ClusterTarget", kind: str, phase: str, service: str, every: bool, everywhere: bool, output: Output
) -> None:
    """List runs, newest first."""
    from datetime import UTC, datetime

    from functions.clients.runs import filters
    from functions.views import rows

    wanted = filters.Wanted(filters.work(kind), filters.phase(phase), service, everywhere)
    found = filters.runs(place, wanted)
    shown = found if every else found[:NEWEST]
    nothing = "no such runs" if wanted.narrow else f"no runs in namespace {place.namespace}"
    write(
        output,
        [rows.summary(raw) for raw in shown],
        lambda: rows.tables(shown, datetime.now(UTC), namespaces=everywhere) or nothing,
    )
    if len(shown) < len(found):
        say(f"the newest {NEWEST} of {len(found)} runs; --all shows every one")


@app.command()
@name_argument
@output_option
@with_target_options
def get(place: "ClusterTarget", name: str, output: Output) -> None:
    """Show a run: how it is, its attempts, its result, and what to do next."""
    from functions.clients.runs import lookup

    _show(place, lookup.find(place, name), output)


def _show(place: "ClusterTarget", run: "Run", output: Output) -> None:
    from datetime import UTC, datetime

    from functions.views import details

    waits = details.queue_position(place, run)
    write(output, details.facts(run, waits), lambda: details.sheet(run, waits, datetime.now(UTC)))


@app.command()
@name_argument
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt, not of the last one.")
@click.option("-p", "--previous", is_flag=True, help="Of the attempt before the last one.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until the run has ended.")
@click.option("--raw", is_flag=True, help="As the pod wrote it, not as text for people.")
@with_target_options
def logs(place: "ClusterTarget", name: str, attempt: int | None, previous: bool, follow: bool, raw: bool) -> None:
    """Show what the agent of a run did.

    In a pipe too the agent's JSON stream is turned into text; --raw leaves it as it is.
    """
    import time

    from functions.clients.runs import logs as reading
    from functions.clients.runs import lookup

    if attempt and previous:
        raise WrongUsage("give --attempt or --previous, not both")
    run = lookup.find(place, name)
    if previous:
        attempt = reading.before_last(run)
    chosen = reading.attempt(run, attempt) if attempt or not follow else None
    lines = reading.follow(place, run, time.sleep, chosen) if follow or not chosen else reading.read(place, run, chosen)
    _print(lines, raw)
    ended = lookup.read_again(place, run) if follow else None
    if ended:
        say(f"{ended.name}: {reading.state(ended)}")


def _print(lines: "Iterable[Line]", raw: bool) -> None:
    from functions.views.agent_output import SessionTotals

    tally = SessionTotals()
    for line in lines:
        if line.note:
            say(line.text)
        elif text := (line.text if raw else tally.read(line.text)):
            print(text, flush=True)


@app.command()
@name_argument
@click.option("-m", "--message", help="What the agent is told besides.")
@click.option(
    "--message-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The same, from a file; - is standard input.",
)
@click.option("--replace", is_flag=True, help="Tell the agent this alone, not the task's prompt.")
@output_option
@with_target_options
def retry(
    place: "ClusterTarget", name: str, message: str | None, message_file: Path | None, replace: bool, output: Output
) -> None:
    """Have a finished code run tried again, in its workspace and session."""
    from functions.clients.runs import lookup, requests, retry_message

    words = retry_message.from_options(message, message_file)
    if replace and words is None:
        raise WrongUsage("--replace: give what replaces the prompt, with --message or --message-file")
    run = requests.retry(place, lookup.find(place, name), words, replace=replace)
    _confirm(run, f"is asked to try again (contextVersion {requests.context_version(run)})", output)


@app.command()
@name_argument
@output_option
@with_target_options
def cancel(place: "ClusterTarget", name: str, output: Output) -> None:
    """Stop a run; what its agent committed and pushed stays."""
    from functions.clients.runs import lookup, requests

    run = requests.cancel(place, lookup.find(place, name))
    _confirm(run, "was stopped already" if requests.ended(run) else "is asked to stop", output)


def _confirm(run: "Run", done: str, output: Output) -> None:
    from functions.views import details

    watch = f"see it with: orchestrator runs watch {run.name}"
    write(output, details.facts(run, None), lambda: f"{run.kind} {run.name} in {run.namespace} {done}; {watch}")


@app.command()
@click.argument("name", default="", shell_complete=names, help="The run's name; none: all that are not finished.")
@kind_option
@with_target_options
def watch(place: "ClusterTarget", name: str, kind: str) -> None:
    """See runs as they go, until Ctrl-C; with NAME until that run ends.

    With NAME the exit code is 0 where the run succeeded, and 1 where it ended otherwise.
    """
    import sys

    from functions.clients.runs import filters, lookup, overview, watch_view
    from functions.runs.lifecycle import states
    from functions.views.next_step import next_step

    work = filters.work(kind)
    if not name:
        overview.watch(place, work, sys.stdout)
    run = watch_view.watch(place, lookup.find(place, name), sys.stdout)
    say(f"next: {next_step(run)}")
    if states.state(run.status) is not states.State.SUCCEEDED:
        raise click.exceptions.Exit(1)
