"""The time of `make run` by step: seconds between the lines that it prints for its code run.

The rehearsal agent does the work at once, so the time is the orchestrator's.
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
    """Yield one row for each step, and one for the whole."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "functions.clients", "run", "--state", folder]
        environ = {name: text for name, text in os.environ.items() if name != "ANTHROPIC_API_KEY"}
        begun = last = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        for step, sign in STEPS:
            assert any(sign in line for line in process.stdout), f"make run did not print {sign!r}"
            last, before = time.monotonic(), last
            yield Row(f"make run: {step}", last - before, "s")
        assert process.wait(LONGEST_SECONDS) == 0
        yield Row("make run: total", time.monotonic() - begun, "s")
