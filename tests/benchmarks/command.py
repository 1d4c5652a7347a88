"""The command line: how long `--help` takes, and what a request costs beside the function that answers it.

Each run is a process of its own, from compiled code, as an installed command is. A tenth of a second is where people
begin to notice; the limit for `--help` is three.
"""

import compileall
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from tests.benchmarks import server
from tests.benchmarks.deployed import ROOT, Release, Served
from tests.benchmarks.rows import Aim, Row, alternating
from tests.benchmarks.work import Work

ROUNDS = 9
LIMIT = 0.3
TASK = (
    "task code 3 --service {service} --github-user octocat --repository-url https://git.example/shop.git "
    "--platform-repository-url https://git.example/shop.git --branch main --working-directory ."
)


def rows() -> Iterator[Row]:
    """Help, and a code run asked for."""
    with tempfile.TemporaryDirectory() as name, server.running(Path(name)) as address:
        folder = Path(name) / "installed"
        shutil.copytree(ROOT / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(folder, quiet=2)
        help_took = median(_seconds(folder, ["--help"], {}) for _ in range(ROUNDS))
        yield Row("orchestrator --help", help_took * 1e3, "ms", LIMIT * 1e3, "limit", Aim(1))
        release, work = Release(Path(name) / "release"), Work(address)
        with release.serving("submit_code", address.environ) as function:
            function.until_answered(work.made["submit_code"]()[0])
            environ = {"ORCHESTRATOR_API_URL": f"submit_code=http://127.0.0.1:{function.port}"}
            numbers = iter(range(2 * ROUNDS))
            asked, answered = alternating(
                lambda: _seconds(folder, TASK.format(service=f"cli-{next(numbers)}").split(), environ),
                lambda: _posted(function, work),
                ROUNDS,
            )
        yield Row("orchestrator task code", asked * 1e3, "ms", answered * 1e3, "the function's answer")


def _seconds(folder: Path, arguments: list[str], environ: Mapping[str, str]) -> float:
    plain = {name: text for name, text in os.environ.items() if not name.startswith(("ORCHESTRATOR_", "PYTHON"))}
    command = [sys.executable, "-m", "functions.clients", *arguments]
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**plain, **environ}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    return time.perf_counter() - begun


def _posted(function: Served, work: Work) -> float:
    post, _ = work.made["submit_code"]()
    begun = time.perf_counter()
    function.post(post)
    return time.perf_counter() - begun
