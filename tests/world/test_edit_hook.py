"""CASES A14: the hook that checks each file after the agent edited it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.agent.conftest import SpecFactory
from tests.agent.world import World

# The hook that checks edited files


@pytest.fixture
def repository(world: World) -> Path:
    """Return a repository for the hook."""
    work = world.path / "edited"
    subprocess.run(["git", "clone", "--quiet", str(world.remotes.root / "shop"), str(work)], check=True)
    return work


def edit(world: World, spec: Any, file: Path, text: bytes | None) -> subprocess.CompletedProcess[str]:
    """Write the file, unless `text` is None, and return the completed hook process."""
    pod = world.pod(world.task(spec))
    if text is not None:
        file.write_bytes(text)
    return subprocess.run(
        ["/bin/bash", str(pod.root / "config/hooks-early-test.sh")],
        input=json.dumps({"tool_input": {"file_path": str(file)}}),
        cwd=file.parent,
        capture_output=True,
        text=True,
    )


FINE = {
    "tsconfig.json": b'// for the build\n{"a": [1, 2,], /* b */ "c": "http://x"}\n',
    "bom.json": b'\xef\xbb\xbf{"a": 1}\n',
    "utf16.json": '{"a": 1}'.encode("utf-16"),
    "lines.json": b'{"a": 1}\n{"b": 2}\n',
    "template.json": b'{"name": {{ cookiecutter.name }}}\n',
    "bom.py": b"\xef\xbb\xbfx = 1\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "template.py": b"import {{ cookiecutter.package }}\n",
    "fish.sh": b"#!/usr/bin/env fish\nif true; end\n",
    "component.js": b"const App = () => <div className='x'>Hi</div>;\n",
    "module.mjs": b"import fs from 'node:fs';\n",
    "data.json5": b"{unquoted: 1}\n",
}


@pytest.mark.parametrize("name", FINE)
def test_edit_hook_accepts_dialects_of_known_formats(
    world: World, code_spec: SpecFactory, repository: Path, name: str
) -> None:
    done = edit(world, code_spec(), repository / name, FINE[name])
    assert (done.returncode, done.stderr) == (0, "")


BROKEN = {
    "package.json": b'{"a": 1, // no comments here\n}\n',
    "broken.json": b'{"a": 1\n',
    "tsconfig.json": b'{"a": 1 "b": 2} // x\n',
    "broken.py": b"def f(:\n",
    "broken.sh": b"#!/bin/sh\nif then\n",
    "bom.sh": b"\xef\xbb\xbf#!/bin/bash\nif then\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_edit_hook_names_syntax_errors(world: World, code_spec: SpecFactory, repository: Path, name: str) -> None:
    done = edit(world, code_spec(), repository / name, BROKEN[name])
    assert done.returncode == 2
    assert f"{name} does not parse" in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.py", b"def f():\n    pass\n", 0),
        ("a.json", b"{", 2),
        ("a$(touch pwned).py", b"def (:\n", 2),
        ("a.txt", b"{", 0),
        ("missing.py", None, 0),
    ],
)
def test_edit_hook_checks_files_outside_a_repository(
    world: World, code_spec: SpecFactory, name: str, text: bytes | None, code: int
) -> None:
    done = edit(world, code_spec(), world.path / name, text)
    assert (done.returncode, "does not parse" in done.stderr) == (code, code == 2)
    assert not (world.path / "pwned").exists()


def test_edit_hook_ignores_a_file_that_did_not_parse_before(
    world: World, code_spec: SpecFactory, repository: Path
) -> None:
    (repository / "odd.py").write_text("print 'python 2'\n")
    for command in (["add", "odd.py"], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    assert edit(world, code_spec(), repository / "odd.py", b"print 'python 2', 1\n").returncode == 0


def test_edit_hook_runs_the_repositorys_quick_check(world: World, code_spec: SpecFactory, repository: Path) -> None:
    check = 'grep -q TODO "$1" || exit 0\necho "no TODO in ${1##*/}"\nexit 1\n'
    world.remotes.commit("shop", {".github/orchestrator-early-test.sh": check})
    subprocess.run(["git", "pull", "--quiet"], cwd=repository, check=True)
    (repository / ".github/orchestrator-early-test.sh").write_text("exit 0\n")
    assert edit(world, code_spec(), repository / "a.txt", b"fine\n").returncode == 0
    done = edit(world, code_spec(), repository / "b.txt", b"TODO\n")
    assert done.returncode == 2
    assert "no TODO in b.txt" in done.stderr, "the check of the base branch runs, not the edited one"
