"""The command line: the time of `--help`, and the time of `task code` beyond that of a bare command.

Each run is a process of its own, from compiled code, like an installed command. Most of the time of `task code` is the
start of Python and of Click. A Click command with one option that does nothing needs that time too, and is the
baseline. The rest, without the function's own answer, is the command's own share. The limit for `--help` is 0.3 s;
people begin to notice a delay at 0.1 s.

The function of these rows is warm, on this machine and without TLS, so it answers sooner than Python starts. The last
row is about a function that is scaled to zero and starts when a request arrives: a proxy holds the request until the
function accepts it, as a serverless platform does. The time from there to the answer is the server's; the rest of the
person's wait is the command's.
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
from tests.benchmarks.rows import Aim, Row, medians
from tests.benchmarks.scaled import Front
from tests.benchmarks.work import Work

ROUNDS = 9
COLD = 5
"""Requests to a cold function."""
LIMIT = 0.3
TASK = (
    "task code 3 --service {service} --github-user octocat --repository-url https://git.example/shop.git "
    "--platform-repository-url https://git.example/shop.git --branch main --working-directory ."
)
BARE = """
import click


@click.command()
@click.option("--name", default="")
def nothing(name: str) -> None:
    pass


nothing()
"""
"""A Click command that does nothing."""


def rows() -> Iterator[Row]:
    """Yield the rows of the help and of a request for a code run."""
    with tempfile.TemporaryDirectory() as name, server.running(Path(name)) as address:
        folder = _installed(Path(name) / "installed")
        helped, bare = medians(ROUNDS, lambda: _command(folder, "--help"), lambda: _seconds(folder, "bare", "--help"))
        yield Row("orchestrator --help", helped * 1e3, "ms", LIMIT * 1e3, "limit", Aim(1))
        yield Row("orchestrator --help", helped * 1e3, "ms", bare * 1e3, "help of a bare Click command")
        release, work = Release(Path(name) / "release"), Work(address)
        with release.serving("submit_code", address.environ) as function:
            function.until_answered(work.items["submit_code"]().post)
            url, numbers = f"submit_code=http://127.0.0.1:{function.port}", itertools.count()
            asked, bare, answered = medians(
                ROUNDS,
                lambda: _command(folder, *_task(f"cli-{next(numbers)}"), api_url=url),
                lambda: _seconds(folder, "bare", "--name", "x"),
                lambda: _posted(function, work, f"key-{next(numbers)}"),
            )
        yield Row("orchestrator task code", asked * 1e3, "ms", bare * 1e3, "a bare Click command", Aim(2))
        own = asked - bare - answered
        yield Row("orchestrator task code: its own share", own * 1e3, "ms", answered * 1e3, "the function's answer")
        front = Front(release, address.environ)
        own, served = _medians_of_pairs(
            lambda: front.timed(lambda url: _command(folder, *_task(f"cold-{next(numbers)}"), api_url=url))
        )
        what = "orchestrator task code of a cold function: its own share"
        yield Row(what, own * 1e3, "ms", served * 1e3, "the function's start and answer", Aim(1))


def _task(service: str) -> list[str]:
    return TASK.format(service=service).split()


def _installed(folder: Path) -> Path:
    shutil.copytree(ROOT / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "bare.py").write_text(BARE)
    compileall.compile_dir(folder, quiet=2)
    return folder


def _medians_of_pairs(measure: Callable[[], tuple[float, float]]) -> list[float]:
    return [median(found) for found in zip(*(measure() for _ in range(COLD)), strict=True)]


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
    """Return the seconds that the function takes for the same request as the command sends."""
    post = work.items["submit_code"]().post
    asked = replace(post, headers={**post.headers, "idempotency-key": key, "if-unfinished": "refuse"})
    begun = time.perf_counter()
    function.post(asked)
    return time.perf_counter() - begun
