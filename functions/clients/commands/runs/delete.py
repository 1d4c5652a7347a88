"""Delete runs for good: their status, logs and workspaces; what their agents pushed stays.

A run that still works is stopped first. `orchestrator runs cancel` stops a run and keeps what is known of it.
"""

import sys

import click

from functions.clients.errors import WrongUsage
from functions.clients.output import say
from functions.clients.runs import lookup
from functions.clients.runs.target import ClusterTarget, user_errors
from functions.clients.target_options import run_names, with_target_options
from functions.cluster.errors import NotFound
from functions.cluster.kinds import RUNS
from functions.runs.model.run import Run
from functions.views.titles import title


@click.command(help=__doc__)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=run_names, help="Names of runs.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@with_target_options
def command(target: ClusterTarget, names: tuple[str, ...], yes: bool) -> None:
    """Delete the runs."""
    runs = [lookup.find(target, name) for name in names]
    for run in runs:
        say(f"{run.kind.word}/{run.name}  {run.status.phase or 'Pending'}  {title(run.raw)}")
    if not yes:
        _confirm(len(runs), target.namespace)
    for run in runs:
        _delete(target, run)
        print(f"{run.kind.word}/{run.name} is deleted", flush=True)


def _confirm(count: int, namespace: str) -> None:
    if not sys.stdin.isatty():
        raise WrongUsage("--yes: is needed without a terminal to ask for confirmation")
    click.confirm(f"Delete {count} of the runs in namespace {namespace}?", abort=True, err=True)


def _delete(target: ClusterTarget, run: Run) -> None:
    """Delete that run, not another of the same name; one that is gone already is deleted."""
    with user_errors(target, passing=(NotFound,)):
        try:
            target.cluster.delete(RUNS[run.kind], run.namespace, run.name, run.uid)
        except NotFound:
            return
