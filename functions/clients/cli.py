"""The command `orchestrator`: all of it on one machine (`dev`, `run`)."""

import argparse
import logging
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from functions.handlers import logs
from functions.local.dev import demo
from functions.local.dev.repositories import RepositoryError, example
from functions.local.dev.stack import Options, Stack, StartError

STATE = Path(".state")
PORT = 8900


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0 done, 1 it failed (see standard error), 2 wrong usage."""
    given = _parser().parse_args(arguments)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(given.command(given))
    except (StartError, RepositoryError, demo.DemoError) as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="orchestrator", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True)
    run = commands.add_parser("run", help="show a docs run and a code run from request to pushed branch, then stop")
    run.add_argument("--repo", metavar="PATH_OR_URL", help="work on a mirror of this repository, not on the example")
    run.add_argument("--state", type=Path, default=STATE / "run", help="folder for state, logs and results")
    run.set_defaults(command=_run)
    dev = commands.add_parser("dev", help="run everything on this machine until interrupted; state is kept")
    dev.add_argument(
        "--port", type=int, default=PORT, help="of the API server; the functions take the ports after it"
    )
    dev.add_argument("--state", type=Path, default=STATE / "dev", help="folder for state and logs")
    dev.set_defaults(command=_dev)
    return parser


def _run(given: argparse.Namespace) -> int:
    given.state.mkdir(parents=True, exist_ok=True)
    state = Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=given.state.resolve()))
    (state / "logs").mkdir()
    with (state / "logs" / "orchestrator.log").open("w") as log:
        logs.configure(log)
        return demo.run(Options(state), given.repo or None, sys.stdout)


def _dev(given: argparse.Namespace) -> int:
    logs.configure(sys.stderr)
    logging.getLogger("orchestrator").setLevel(logging.INFO)
    options = Options(given.state.resolve(), port=given.port)
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
    return 0


def _explain(stack: Stack, agent: str, example_url: str) -> None:
    print(f"agent        {agent}")
    print(f"API server   {stack.url}   kubectl --kubeconfig {stack.kubeconfig} get agents")
    for target, url in stack.functions.items():
        print(f"{target:<12} {url}")
    print(f"example      {example_url} (githubUser: octocat)")
    print("Ready. Ctrl-C stops it; the next start goes on from there.", flush=True)
