"""The time of `make run`: by step, in all, and in a fresh clone, where it first sets up a virtual environment.

The steps are the seconds between the lines that it prints for its code run. The rehearsal agent takes one second, so
that a person can watch it (REHEARSAL_SECONDS); the rest of the time is the orchestrator's. The clone has the committed
files; the time of its set-up depends on the network.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.rows import Aim, Row
from tests.support.api import ROOT

STEPS = (
    ("parts are up", "ready after"),
    ("accepted", "201 CodeRun"),
    ("its pod runs", "code  phase    Running"),
    ("its repositories are there", "code  log      [attempt] starting the agent"),
    ("the agent is done", "code  log      result:"),
    ("pushed and reported", "code  log      [attempt] succeeded"),
    ("Succeeded", "code  phase    Succeeded"),
    ("printed", "total time"),
)
LONGEST_SECONDS = 120
LIMIT, LIMIT_WITH_SET_UP = 6, 45
"""Seconds that a newcomer should wait at most, without and with set-up."""


def rows() -> Iterator[Row]:
    """Yield one row for each step, and one for the whole."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "functions.clients", "run", "--state", folder]
        environ = _environ()
        begun = last = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        for step, sign in STEPS:
            assert any(sign in line for line in process.stdout), f"make run did not print {sign!r}"
            last, before = time.monotonic(), last
            yield Row(f"make run: {step}", last - before, "s")
        assert process.wait(LONGEST_SECONDS) == 0
        yield Row("make run: total", time.monotonic() - begun, "s", LIMIT, "limit", Aim(1))
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        begun = time.monotonic()
        subprocess.run(["make", "--silent", "run"], cwd=clone, env=_environ(), check=True, capture_output=True)
        took = time.monotonic() - begun
        yield Row("make run: total, in a fresh clone", took, "s", LIMIT_WITH_SET_UP, "limit", Aim(1))


def _environ() -> dict[str, str]:
    """Return the environment of a person without a key, in no virtual environment and with Python's defaults."""
    foreign = ("ANTHROPIC_API_KEY", "VIRTUAL_ENV", "PYTHON")
    return {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
