"""Run everything on this machine until interrupted; state is kept."""

import logging
import shlex
import sys
from pathlib import Path

import click

from functions.clients.api_url import VARIABLE
from functions.clients.errors import as_command_error
from functions.clients.local_state import FOLDER, STATE, require_checkout
from functions.local.dev.repositories import RepositoryError, example
from functions.local.dev.stack import Options, Stack, StartError
from functions.telemetry import logs

PORT = 8900


@click.command(help=__doc__)
@click.option(
    "--port", default=PORT, show_default=True, help="Port of the API server; functions and console use the next ones."
)
@click.option("--state", type=FOLDER, default=STATE / "dev", show_default=True, help="Folder for state and logs.")
def command(port: int, state: Path) -> None:
    """Start the stack and supervise it."""
    require_checkout()
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


def _explain(stack: Stack, agent: str, example_url: str) -> None:
    print(f"agent        {agent}")
    print(f"API server   {stack.url}   kubectl --kubeconfig {stack.kubeconfig} get agents")
    print(f"console      {stack.console_url}")
    for target, url in stack.functions.items():
        print(f"{target:<12} {url}")
    named = ",".join(f"{target}={url}" for target, url in stack.functions.items() if target.startswith("submit_"))
    print(f"this CLI     export {VARIABLE}={named} KUBECONFIG={shlex.quote(str(stack.kubeconfig))}")
    print(f"example      {example_url} (githubUser: octocat)")
    print("Ready. Ctrl-C stops it; the next start continues from there.", flush=True)
