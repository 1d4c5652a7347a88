"""`orchestrator run` and `orchestrator dev`: all of it on one machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.clients.api_url import VARIABLE
from functions.clients.errors import CommandError, as_command_error

if TYPE_CHECKING:
    from functions.local.dev.stack import Stack

STATE = Path(".state")
PORT = 8900

FOLDER = click.Path(path_type=Path)


@click.command()
@click.option(
    "--repo", default="", metavar="PATH_OR_URL", help="Work on a mirror of this repository, not on the example."
)
@click.option(
    "--state", type=FOLDER, default=STATE / "run", show_default=True, help="Folder for state, logs and results."
)
@click.option(
    "--pubsub",
    default="",
    metavar="emulator",
    help="Google's Pub/Sub emulator in place of the embedded queue.",
)
@click.pass_context
def run(context: click.Context, repo: str, state: Path, pubsub: str) -> None:
    """Show a docs run and a code run from request to pushed branch, then stop."""
    import tempfile
    import time

    from functions.local.dev import demo
    from functions.local.dev.repositories import RepositoryError
    from functions.local.dev.stack import Options, StartError
    from functions.telemetry import logs

    _needs_checkout()
    if pubsub not in ("", "emulator"):
        raise click.BadParameter(f"{pubsub!r}: only `emulator` can push to this machine", param_hint="--pubsub")
    state.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=state.resolve()))
    (folder / "logs").mkdir()
    with (
        (folder / "logs" / "orchestrator.log").open("w") as log,
        as_command_error(StartError, RepositoryError, demo.DemoError),
    ):
        logs.configure(log)
        context.exit(demo.run(Options(folder, pubsub=bool(pubsub)), repo or None, sys.stdout))


@click.command()
@click.option(
    "--port", default=PORT, show_default=True, help="Of the API server; the functions take the ports after it."
)
@click.option("--state", type=FOLDER, default=STATE / "dev", show_default=True, help="Folder for state and logs.")
def dev(port: int, state: Path) -> None:
    """Run everything on this machine until interrupted; state is kept."""
    import logging

    from functions.local.dev.repositories import RepositoryError, example
    from functions.local.dev.stack import Options, Stack, StartError
    from functions.telemetry import logs

    _needs_checkout()
    logs.configure(sys.stderr)
    logging.getLogger("orchestrator").setLevel(logging.INFO)
    options = Options(state.resolve(), port=port)
    with as_command_error(StartError, RepositoryError):
        repositories = options.state / "repositories"
        repositories.mkdir(parents=True, exist_ok=True)
        mirror = example(repositories)
        stack = Stack(options, [mirror])
        try:
            stack.start()
            _explain(stack, options.agent, mirror.url)
            stack.supervise()
        finally:
            stack.stop()


def _needs_checkout() -> None:
    from functions.local.dev.stack import ROOT

    if not (ROOT / "templates").is_dir():
        raise CommandError(f"{ROOT} has no templates: run this from a checkout (`make dev`), or `pip install -e` one")


def _explain(stack: "Stack", agent: str, example_url: str) -> None:
    import shlex

    print(f"agent        {agent}")
    print(f"API server   {stack.url}   kubectl --kubeconfig {stack.kubeconfig} get agents")
    for target, url in stack.functions.items():
        print(f"{target:<12} {url}")
    named = ",".join(f"{target}={url}" for target, url in stack.functions.items() if target.startswith("submit_"))
    print(f"this CLI     export {VARIABLE}={named} KUBECONFIG={shlex.quote(str(stack.kubeconfig))}")
    print(f"example      {example_url} (githubUser: octocat)")
    print("Ready. Ctrl-C stops it; the next start goes on from there.", flush=True)
