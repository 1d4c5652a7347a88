"""Where the time of `make run` goes: seconds between the lines it prints, for its code run.

The rehearsal agent works, so an agent's thinking is left out: what is measured is what the orchestrator takes.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from tests.benchmarks.rows import Row
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


def rows() -> Iterator[Row]:
    """One row for each step, and the whole."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "functions.clients", "run", "--state", folder]
        environ = {name: text for name, text in os.environ.items() if name != "ANTHROPIC_API_KEY"}
        begun = last = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        for step, sign in STEPS:
            next(line for line in process.stdout if sign in line)
            last, before = time.monotonic(), last
            yield Row(f"make run: {step}", last - before, "s")
        assert process.wait(LONGEST_SECONDS) == 0
        yield Row("make run: all of it", time.monotonic() - begun, "s")
