"""The transcript in the quick start: real commands on one machine, with variable parts replaced.

`python -m tests.support.transcript` (`make transcript`) writes it.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from functions.cluster.kinds import RUNS
from functions.local.dev.repositories import example
from functions.local.dev.stack import Options, Stack
from functions.runs.lifecycle import states
from functions.runs.model.run import parse
from tests.support.api import ROOT
from tests.support.waiting import until

PAGE = ROOT / "docs" / "quick-start.md"
BEGIN = "<!-- transcript: `make transcript` writes it -->\n"
END = "<!-- end of transcript -->\n"

COMMANDS = (
    "orchestrator task code 1 -s inventory --github-user octocat \\\n"
    "    --repository-url https://git.example.invalid/shop/inventory.git",
    "orchestrator runs watch RUN",
    "orchestrator runs list",
    "orchestrator runs get RUN",
    "orchestrator runs logs RUN | tail -n 1",
)
RUN = "run-5f1d7c0a9be342d68c17a0e4"
UUID = "0b6f7e1c-5a52-4d0e-9c1a-3f2b8a4e0d7b"
ALIKE = (
    (r"run-[0-9a-f]{24}", RUN),
    (rf"{RUN}-[0-9a-f]{{5}}", f"{RUN}-3f2b8"),
    (r"first of \d+ lines", "first of 31 lines"),
    (r"(?m)^.*secretlint is not installed.*\n", ""),
    (r"\brun-[0-9a-f]{8,12}\b(?!-)", RUN[:12]),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", UUID),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:8902"),
    (r"\b(\d+m)?\d+s\b", "6s"),
    (r"prompt of \d+ and a CLAUDE.md of \d+ characters", "prompt of 700 and a CLAUDE.md of 4000 characters"),
)
"""Patterns of variable parts, and their replacements."""

AT_WORK_SECONDS = 6
"""Seconds that the rehearsal takes, so that it still runs when the run is watched."""


@dataclass(frozen=True)
class Person:
    """A user with a shell and the stack."""

    stack: Stack
    folder: Path

    def shell(self, line: str) -> str:
        """Run a shell command and return its output; it must succeed."""
        submit = [f"{name}={url}" for name, url in self.stack.functions.items() if name.startswith("submit_")]
        environ = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": str(ROOT),
            "KUBECONFIG": str(self.stack.kubeconfig),
            "ORCHESTRATOR_API_URL": ",".join(submit),
        }
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.folder / "home",
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout

    def running(self, name: str) -> None:
        """Wait until the run's agent runs: a watch that starts then always shows the same."""
        read = partial(self.stack.cluster.get, RUNS["CodeRun"], "orchestrator", name)
        until(lambda: states.state(parse(read()).status) is states.State.RUNNING, 90, read, every=0.1)


def record() -> str:
    """Return the commands with their output."""
    with tempfile.TemporaryDirectory() as folder, _person(Path(folder)) as person:
        return alike("".join(_spoken(person)))


def _spoken(person: Person) -> Iterator[str]:
    name = ""
    for each in COMMANDS:
        line = each.replace("RUN", name) if name else each
        printed = person.shell(line)
        yield f"$ {line}\n{printed}\n"
        if not name:
            name = re.findall(r"run-[0-9a-f]{24}", printed)[-1]
            person.running(name)


@contextmanager
def _person(folder: Path) -> Iterator[Person]:
    for each in ("mirrors", "home", "bin"):
        (folder / each).mkdir()
    program = folder / "bin" / "orchestrator"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m functions.clients "$@"\n')
    program.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "REHEARSAL_SECONDS": str(AT_WORK_SECONDS)}
    stack = Stack(Options(folder / "state", environ=environ), [example(folder / "mirrors")])
    try:
        stack.start()
        yield Person(stack, folder)
    finally:
        stack.stop()


def alike(text: str) -> str:
    """Return the text with its variable parts replaced."""
    for pattern, same in ALIKE:
        text = re.sub(pattern, same, text)
    return text


def written() -> str:
    """Return the transcript on the page."""
    block = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    return re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n")


def write() -> None:
    """Replace the transcript on the page by a new one."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    assert rest, f"PAGE has no {BEGIN!r}"
    lines = [f"    {line}".rstrip() for line in record().rstrip("\n").splitlines()]
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + rest.partition(END)[2])


if __name__ == "__main__":
    write()
