"""Show a docs run and a code run on this machine, from the request to the pushed branch, then stop."""

import sys
import tempfile
import time
from pathlib import Path

import click

from functions.clients.errors import as_command_error
from functions.clients.live_progress import LiveProgress
from functions.clients.local_state import FOLDER, STATE, require_checkout
from functions.local.dev import demo
from functions.local.dev.follow import Progress
from functions.local.dev.repositories import RepositoryError
from functions.local.dev.stack import QUEUES, Options, StartError
from functions.telemetry import logs


@click.command(help=__doc__)
@click.option("--repo", default="", metavar="PATH_OR_URL", help="Work on a mirror of this repository, not the example.")
@click.option("--task", default="", help="Id of the task; else the next pending one.")
@click.option("--tag", default="", help="Task Master tag; else the file's current one.")
@click.option("--dir", "directory", default=".", show_default=True, help="Directory that holds .taskmaster.")
@click.option("--state", type=FOLDER, default=STATE / "run", show_default=True, help="Folder for state and logs.")
@click.option(
    "--queue",
    type=click.Choice(list(QUEUES)),
    default="embedded",
    show_default=True,
    help="The queue: this machine's own, Google's Pub/Sub emulator, or a NATS server.",
)
@click.pass_context
def command(context: click.Context, repo: str, task: str, tag: str, directory: str, state: Path, queue: str) -> None:
    """Run the demonstration in a new folder below `state`."""
    require_checkout()
    state.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=state.resolve()))
    (folder / "logs").mkdir()
    with (
        (folder / "logs" / "orchestrator.log").open("w") as log,
        as_command_error(StartError, RepositoryError, demo.DemoError),
    ):
        logs.configure(log)
        wanted = demo.Wanted(repo, task, tag, directory)
        progress = LiveProgress if sys.stdout.isatty() else Progress
        context.exit(demo.run(Options(folder, queue=queue), wanted, sys.stdout, progress))
