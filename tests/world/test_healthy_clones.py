"""CASES A3: only a damaged clone is set aside, and what the Stop hook cannot save is named."""

import shutil
import subprocess
import sys

import pytest

from tests.support.python import search_path
from tests.world.saving_bench import COMMIT, Attempt, Stage
from tests.world.test_left_repositories import ODD


def test_clone_whose_first_fetch_was_refused_is_not_set_aside(stage: Stage) -> None:
    attempt = stage.attempt("without a network")
    shutil.rmtree(attempt.clone)
    remote = attempt.path / "remote"
    remote.rename(attempt.path / "unreachable")
    for _ in range(2):
        done = attempt.try_to_open(stage.config)
        assert done.returncode == 1
        assert "refused: RepositoryDenied" in done.stderr
    assert (attempt.clone / ".git").is_dir()
    (attempt.path / "unreachable").rename(remote)
    attempt.open(stage.config)
    assert not attempt.set_aside()


SHIM = """#!/bin/bash
case " $* " in *" {command} "*) {failure};; esac
exec {git} "$@"
"""
REFUSED = "echo 'error: unable to unlink old f: Permission denied' >&2; exit 1"


def with_git_that_fails(attempt: Attempt, command: str, failure: str) -> str:
    """Return a PATH whose git fails in that command."""
    shim = attempt.path / "bin/git"
    shim.parent.mkdir()
    git = shutil.which("git", path=search_path())
    shim.write_text(SHIM.format(command=command, failure=failure, git=git))
    shim.chmod(0o755)
    return f"{shim.parent}:{search_path()}"


@pytest.mark.parametrize(
    ("command", "failure", "said"),
    [
        ("checkout", "kill -9 $$", "ended by signal 9"),
        ("status", "kill -9 $$", "ended by signal 9"),
        ("config", "kill -9 $$", "ended by signal 9"),
        ("status", "echo 'fatal: .git/index: Input/output error' >&2; exit 128", "Input/output error"),
        ("checkout", REFUSED, "Permission denied"),
    ],
)
def test_clone_in_which_git_fails_without_damage_is_not_set_aside(
    stage: Stage, command: str, failure: str, said: str
) -> None:
    attempt = stage.attempt(f"{command} {said}")
    done = attempt.try_to_open(stage.other, PATH=with_git_that_fails(attempt, command, failure))
    assert done.returncode == 1
    assert said in done.stderr
    assert "refused: ConfigurationError" in done.stderr
    assert not attempt.set_aside()
    attempt.open(stage.other)


def test_clone_whose_damage_shows_only_in_use_is_set_aside(stage: Stage) -> None:
    attempt = stage.attempt("damage that shows in use")
    lost = "o=$(git rev-parse origin/main:README.md); rm -f .git/objects/${o:0:2}/${o:2} README.md"
    attempt.play([f"git checkout -q --detach; git rm -q README.md; git commit -qm x; {lost}"])
    attempt.open(stage.other)
    assert len(attempt.set_aside()) == 1
    assert (attempt.clone / "README.md").is_file()


TWICE = """
import clone
from pathlib import Path
tree = Path("shop")
for number in range(2):
    clone.set_aside(tree, "damaged")
    (tree / ".git").mkdir(parents=True)
"""


def test_two_clones_are_set_aside_in_the_same_second(stage: Stage) -> None:
    attempt = stage.attempt("twice")
    environ = {"PYTHONPATH": str(stage.config)}
    subprocess.run([sys.executable, "-c", TWICE], cwd=attempt.clone.parent, env=environ, check=True, timeout=60)
    assert len(attempt.set_aside()) == 2


def test_stop_hook_names_what_it_cannot_save_and_opens_no_pull_request(stage: Stage) -> None:
    attempt = stage.attempt("stop hook")
    damage = ODD["a directory of objects damaged"]
    attempt.play([COMMIT.replace("{n}", "2"), damage.replace("{n}", "1")])
    done = attempt.run(stage.config, "save_work", "--seconds", 60, "--home", attempt.path / "save-0")
    assert "agents/r1-3b2c1" in attempt.branches()
    assert "unsaved: .git: " in done.stdout
    assert done.returncode == 1
