"""Wrappers that record arguments and environment of a program, then execute it: what a process list would show."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.python import search_path

SHIM = """#!/bin/bash
call=$(/usr/bin/mktemp "{calls}/XXXXXXXX")
/bin/cat "/proc/$$/environ" >"$call.environ"
printf '%s\\0' "$0" "$@" >"$call.arguments"
exec "{program}" "$@"
"""


@dataclass(frozen=True)
class Call:
    """One recorded call of a program."""

    arguments: str
    environ: str

    @property
    def by_agent(self) -> bool:
        """Return whether the agent's process or a child made the call, by a variable of its environment."""
        return "agent_process.py" in self.arguments or "BY_AGENT=1" in self.environ


@dataclass(frozen=True)
class Shims:
    """Wrappers that precede the real programs on `path`."""

    directory: Path

    @property
    def path(self) -> str:
        return f"{self.directory}:{search_path()}"

    def calls(self) -> list[Call]:
        """Return the calls so far, unordered."""
        noted = (self.directory / "calls").glob("*.arguments")
        return [Call(_text(each), _text(each.with_suffix(".environ"))) for each in noted]


def _text(path: Path) -> str:
    return path.read_bytes().replace(b"\0", b"\n").decode()


def make(directory: Path, *programs: str) -> Shims:
    """Create a wrapper for each of `programs` in `directory`."""
    (directory / "calls").mkdir(parents=True)
    for name in programs:
        program = shutil.which(name, path=search_path())
        assert program, name
        shim = directory / name
        shim.write_text(SHIM.format(calls=directory / "calls", program=program))
        shim.chmod(0o755)
    return Shims(directory)
