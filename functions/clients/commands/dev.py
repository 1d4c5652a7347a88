"""Run everything on this machine until interrupted; state is kept."""

import logging
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import click

from functions.clients.api_url import VARIABLE
from functions.clients.errors import as_command_error
from functions.clients.local_state import FOLDER, STATE, require_checkout
from functions.clients.options import port_option
from functions.local.dev.cluster import EXAMPLE_USER
from functions.local.dev.demo import mirror_for
from functions.local.dev.repositories import Mirror, RepositoryError, redirect
from functions.local.dev.stack import Options, Stack, StartError
from functions.telemetry import logs

PORT = 8900


@click.command(help=__doc__)
@port_option(PORT, "Port of the API server; functions and console use the next ones. 0: free ones.", highest=65500)
@click.option("--repo", default="", metavar="PATH_OR_URL", help="A repository to mirror beside the example.")
@click.option("--state", type=FOLDER, default=STATE / "dev", show_default=True, help="Folder for state and logs.")
def command(port: int, repo: str, state: Path) -> None:
    """Start the stack and supervise it."""
    require_checkout()
    logs.configure(sys.stderr)
    logging.getLogger("orchestrator").setLevel(logging.INFO)
    options = Options(state.resolve(), port=port)
    with as_command_error(StartError, RepositoryError):
        mirrors = [mirror_for(options.state, each) for each in dict.fromkeys(("", repo))]
        stack = Stack(options, mirrors)
        try:
            stack.start()
            _explain(stack, options.agent, mirrors)
            stack.supervise()
        finally:
            logging.getLogger("orchestrator").setLevel(logging.ERROR)  # parts that stop miss those that have stopped
            stack.stop()
            print("Stopped. The next start continues from this state.", flush=True)


def _explain(stack: Stack, agent: str, mirrors: Sequence[Mirror]) -> None:
    print(f"agent        {agent}")
    print(f"API server   {stack.url}   kubectl --kubeconfig {stack.kubeconfig} get agents")
    print(f"console      {stack.console_url}")
    for target, url in stack.functions.items():
        print(f"{target:<12} {url}")
    for mirror in mirrors:
        print(f"repository   {mirror.url} (githubUser: {EXAMPLE_USER}), as {mirror.path}")
    print(f"your shell   source {shlex.quote(str(_environment_file(stack, mirrors)))}")
    print(f"then         {first_run(mirrors[-1])}")
    print("and          orchestrator runs list -w")
    print("Ready. Ctrl-C stops it; the next start continues from that state.", flush=True)


def first_run(mirror: Mirror) -> str:
    """Return the command that submits the next pending task of the repository; without one, a prompt to fill in."""
    try:
        task = mirror.next_task().id
    except RepositoryError:
        task = "--prompt 'WHAT TO DO'"
    service = re.sub(r"[^a-z0-9]+", "-", PurePosixPath(mirror.url).stem.lower()).strip("-") or "demo"
    arguments = f"--github-user {EXAMPLE_USER} --repository-url {shlex.quote(mirror.url)}"
    return f"orchestrator task code {task} -s {service} {arguments}"


def _environment_file(stack: Stack, mirrors: Sequence[Mirror]) -> Path:
    """Write what a shell exports so that the command line, kubectl and git find the stack; return its path."""
    submit = ",".join(f"{target}={url}" for target, url in stack.functions.items() if target.startswith("submit_"))
    values = {VARIABLE: submit, "KUBECONFIG": str(stack.kubeconfig), **redirect(list(mirrors))}
    del values["GIT_CONFIG_NOSYSTEM"]  # only pods need it
    file = stack.state / "env"
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in values.items()]
    place = shlex.quote(str(Path(sys.executable).parent))  # where `make install` puts the command
    file.write_text("".join([*lines, f'export PATH="$PATH":{place}\n']))
    return file
