"""A workspace and its remote, without a pod: the saving and opening scripts run as the container script runs them.

An attempt takes a third of the processor time of an attempt in a pod. The container script and the agent process are
covered by tests/agent and by the other tests of this directory.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.agent.attempts import blob
from tests.agent.world import WITHOUT_CAPABILITIES
from tests.support.python import search_path

COMMIT = "echo {n} > c{n}; git add c{n}; git commit -qm {n}"
"""Bash; {n} is the number of the operation."""


@dataclass(frozen=True)
class Stage:
    """Rendered task files and the initial remote."""

    path: Path
    looked_for: list[int] = field(default_factory=list)
    """The number of texts that each sequence left."""

    @property
    def config(self) -> Path:
        """Return the directory with the run's task files."""
        return self.path / "config"

    @property
    def other(self) -> Path:
        """Return the directory with the task files of another run."""
        return self.path / "other"

    @property
    def start(self) -> Path:
        """Return a workspace in which the repository is open."""
        return self.path / "begun"

    def attempt(self, name: str) -> "Attempt":
        """Return a started attempt."""
        return Attempt(shutil.copytree(self.start, self.path / name.replace(" ", "-"), symlinks=True))


@dataclass(frozen=True)
class Attempt:
    """The workspace and the remote of one sequence of operations."""

    path: Path

    @property
    def clone(self) -> Path:
        return self.path / "workspace/shop"

    def environ(self) -> dict[str, str]:
        known = {
            "PATH": search_path(),
            "HOME": str(self.path / "home"),
            "POD_ROOT": str(self.path),
            "ORCHESTRATOR_START": str(self.path / "start.json"),
            "ORCHESTRATOR_STATE": str(self.path / "state"),
            "ORCHESTRATOR_REPOSITORY": str(self.clone),
            "GIT_CONFIG_COUNT": "4",
            "LC_ALL": "C.UTF-8",
        }
        remote = f"url.file://{self.path}/remote/.insteadOf"
        values = {remote: "https://github.com/acme/", "user.name": "agent", "user.email": "agent@example.com"}
        values["core.fsync"] = "none"  # durability does not matter in this test
        for number, (key, value) in enumerate(values.items()):
            known |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return known

    def run(self, config: Path, script: str, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [*WITHOUT_CAPABILITIES, sys.executable, "-I", "-c", RUNNER, str(config), script, *map(str, arguments)]
        return subprocess.run(
            command,
            env=self.environ() | variables,
            input="",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
        )

    def open(self, config: Path) -> None:
        done = self.try_to_open(config)
        assert done.returncode == 0, done.stderr

    def try_to_open(self, config: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Open the repository with these environment variables; return how the script ended."""
        home = self.path / f"open-{len(list(self.path.glob('open-*')))}"
        places = (self.clone, self.path / "state", home, self.path / "start.json")
        return self.run(config, "open_repository", *places, **variables)

    def set_aside(self) -> list[Path]:
        """Return the clones that were set aside as damaged."""
        return list(self.clone.parent.glob("*.broken-*"))

    def save(self, config: Path) -> dict[str, Any]:
        result = self.path / "saved.json"
        result.unlink(missing_ok=True)
        home = self.path / f"save-{len(list(self.path.glob('save-*')))}"
        done = self.run(config, "save_work", "--seconds", 60, "--home", home, "--result", result)
        assert result.is_file(), done.stderr
        found: dict[str, Any] = json.loads(result.read_text())
        return found

    def play(self, operations: list[str]) -> None:
        text = "\n".join(
            f"(cd {self.clone} && {{ {each}\n}}) </dev/null >/dev/null 2>&1 || true" for each in operations
        )
        environ = {**self.environ(), "GIT_EDITOR": "true"}
        subprocess.run(["/bin/bash", "-c", text], env=environ, timeout=60, check=True)

    def had(self) -> set[str]:
        """Return the names of the blobs in the workspace: files, objects that a ref names, staged contents."""
        files = [path for path in self.clone.rglob("*") if _is_content(path.relative_to(self.clone))]
        found = {_blob(path) for path in files if path.is_file() and not path.is_symlink()}
        for directory in [self.clone / ".git", *self.clone.glob("z*/.git")]:
            found |= set(_git(directory, "rev-list", "--objects", "--no-object-names", "--all", "--indexed-objects"))
            found |= set(
                _git(directory, "rev-list", "--objects", "--no-object-names", "-g", "--ignore-missing", "refs/stash")
            )
        return found

    def remote_has(self) -> set[str]:
        return set(_git(self.path / "remote/shop", "rev-list", "--objects", "--no-object-names", "--all"))

    def branches(self) -> list[str]:
        """Return the branches of the remote."""
        return _git(self.path / "remote/shop", "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/")


RUNNER = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__")
"""
"""Python that runs a script of the task files by its name, with the compiled modules beside it."""


def _is_content(path: Path) -> bool:
    return not {".git", "node_modules"} & set(path.parts)


def _blob(path: Path) -> str:
    return blob(path.read_bytes().decode(errors="surrogateescape"))


def _git(directory: Path, *arguments: str) -> list[str]:
    command = ["git", f"--git-dir={directory}", "-c", "core.bare=true", *arguments]
    environ = {"PATH": os.environ["PATH"], "GIT_NO_REPLACE_OBJECTS": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, errors="replace").stdout.split()
