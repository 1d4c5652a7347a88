"""The command line: how long `--help` takes, and what `task code` adds to what nobody could leave out.

Each run is a process of its own, from compiled code, as an installed command is. Of the time that a person waits for
`task code`, most is the start of Python and of Typer; a Typer command with one option that does nothing has it too,
and is the baseline. What is left beside it and the function's own answer is the command's own share, which the last
row compares with that answer. A tenth of a second is where people begin to notice; the limit for `--help` is three.
"""

import compileall
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

from tests.benchmarks import server
from tests.benchmarks.deployed import ROOT, Release, Served
from tests.benchmarks.rows import Aim, Row
from tests.benchmarks.work import Work

ROUNDS = 9
LIMIT = 0.3
TASK = (
    "task code 3 --service {service} --github-user octocat --repository-url https://git.example/shop.git "
    "--platform-repository-url https://git.example/shop.git --branch main --working-directory ."
)
BARE = """
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None)


@app.command()
def nothing(name: Annotated[str, typer.Option()] = "") -> None:
    pass


app()
"""
"""A Typer command that does nothing."""


def rows() -> Iterator[Row]:
    """Help, and a code run asked for."""
    with tempfile.TemporaryDirectory() as name, server.running(Path(name)) as address:
        folder = _installed(Path(name) / "installed")
        helped, bare = _medians(lambda: _command(folder, "--help"), lambda: _seconds(folder, "bare", "--help"))
        yield Row("orchestrator --help", helped * 1e3, "ms", LIMIT * 1e3, "limit", Aim(1))
        yield Row("orchestrator --help", helped * 1e3, "ms", bare * 1e3, "help of a bare Typer command")
        release, work = Release(Path(name) / "release"), Work(address)
        with release.serving("submit_code", address.environ) as function:
            function.until_answered(work.made["submit_code"]()[0])
            url, numbers = f"submit_code=http://127.0.0.1:{function.port}", itertools.count()
            asked, bare, answered = _medians(
                lambda: _command(folder, *TASK.format(service=f"cli-{next(numbers)}").split(), api_url=url),
                lambda: _seconds(folder, "bare", "--name", "x"),
                lambda: _posted(function, work, f"key-{next(numbers)}"),
            )
        yield Row("orchestrator task code", asked * 1e3, "ms", bare * 1e3, "a bare Typer command", Aim(2))
        own = asked - bare - answered
        yield Row("orchestrator task code: its own share", own * 1e3, "ms", answered * 1e3, "the function's answer")


def _installed(folder: Path) -> Path:
    shutil.copytree(ROOT / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "bare.py").write_text(BARE)
    compileall.compile_dir(folder, quiet=2)
    return folder


def _medians(*measures: Callable[[], float]) -> list[float]:
    """Of each, measured in turn, so that what else the machine does falls on all."""
    rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
    return [median(found) for found in zip(*rounds, strict=True)]


def _command(folder: Path, *arguments: str, api_url: str = "") -> float:
    return _seconds(folder, "functions.clients", *arguments, environ={"ORCHESTRATOR_API_URL": api_url})


def _seconds(folder: Path, module: str, *arguments: str, environ: Mapping[str, str] | None = None) -> float:
    plain = {name: text for name, text in os.environ.items() if not name.startswith(("ORCHESTRATOR_", "PYTHON"))}
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**plain, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    return time.perf_counter() - begun


def _posted(function: Served, work: Work, key: str) -> float:
    """The same request as the command sends."""
    post, _ = work.made["submit_code"]()
    asked = replace(post, headers={**post.headers, "idempotency-key": key, "if-unfinished": "refuse"})
    begun = time.perf_counter()
    function.post(asked)
    return time.perf_counter() - begun
