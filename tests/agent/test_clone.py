"""The clone in the workspace: what a crash, another run or damage left in it is kept, and the attempt works."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH, clone, pod_of, run_attempt
from tests.agent.conftest import SpecFactory
from tests.agent.remotes import git
from tests.agent.world import WITHOUT_CAPABILITIES, World


def test_lock_of_a_killed_git_process_is_removed(world: World, code_spec: SpecFactory) -> None:
    run_attempt(world, code_spec(), "exit 1")
    for lock in ("index.lock", "refs/heads/x.lock", "config.lock"):
        (clone(world) / ".git" / lock).touch()
    assert world.pod(world.task(code_spec(), attempt=2)).run().reason is Reason.COMPLETED


def test_diverged_branches_are_reported_and_both_kept(world: World, code_spec: SpecFactory) -> None:
    hook = world.remotes.root / "shop/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    world.pod(world.task(code_spec())).run()
    ours = git("rev-parse", "HEAD", cwd=clone(world))
    hook.write_text("#!/bin/sh\n! grep --quiet agents/saved\n")
    world.remotes.commit("shop", {"theirs": "t"}, branch=BRANCH)
    result = world.pod(world.task(code_spec(), attempt=2)).run()
    assert result.reason is Reason.CONFLICT
    assert "continues from there once all commits of the workspace are saved" in result.message
    assert git("rev-parse", BRANCH, cwd=clone(world)) == ours
    assert world.remotes.files("shop", BRANCH) == ["theirs"]


def test_detached_commit_is_kept(world: World, code_spec: SpecFactory) -> None:
    run_attempt(world, code_spec(), "exit 1")
    git("checkout", "--quiet", "--detach", cwd=clone(world))
    git("commit", "--quiet", "--allow-empty", "-m", "loose", cwd=clone(world))
    loose = git("rev-parse", "HEAD", cwd=clone(world))
    world.pod(world.task(code_spec(), attempt=2)).run()
    assert git("rev-parse", "kept/code-r1-3b2c1-2", cwd=clone(world)) == loose


def diverge(world: World, spec: SpecFactory) -> Path:
    """Return the clone of a first run whose branch differs from a branch `theirs` in README.md."""
    run_attempt(world, spec(), "exit 1")
    work = clone(world)
    git("checkout", "--quiet", "-b", "theirs", cwd=work)
    for branch, text in (("theirs", "a"), (BRANCH, "b")):
        git("checkout", "--quiet", branch, cwd=work)
        (work / "README.md").write_text(text)
        git("commit", "--quiet", "--all", "-m", branch, cwd=work)
    return work


def test_unfinished_merge_of_another_run_is_kept_and_does_not_block(world: World, code_spec: SpecFactory) -> None:
    work = diverge(world, code_spec)
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "theirs", cwd=work)
    pod = world.pod(world.task(code_spec(), run="r2"))
    assert pod.run().reason is Reason.COMPLETED, pod.log
    kept = "kept/code-r2-3b2c1-1-unfinished"
    assert "<<<<<<<" in git("show", f"{kept}:README.md", cwd=work)
    assert len(git("rev-parse", f"{kept}^@", cwd=work).split()) == 2, "the kept commit is a merge"
    assert f"as {kept}" in pod.log
    assert not (work / ".git/MERGE_HEAD").exists()
    assert "README.md" not in world.remotes.files("shop", "agents/r2-3b2c1")


def test_unfinished_merge_of_the_same_run_is_left_to_the_agent(world: World, code_spec: SpecFactory) -> None:
    work = diverge(world, code_spec)
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "theirs", cwd=work)
    finish = "grep -q '<<<<<<<' README.md && echo both > README.md; git add README.md; git commit -qm merge"
    pod = pod_of(world, code_spec(), finish, attempt=2)
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert world.remotes.show("shop", f"{BRANCH}:README.md") == "both\n"


@pytest.mark.parametrize("operation", [["rebase", "theirs"], ["cherry-pick", "theirs"], ["revert", "HEAD~1"]])
def test_unfinished_rebase_cherry_pick_or_revert_is_kept(
    world: World, code_spec: SpecFactory, operation: list[str]
) -> None:
    """HEAD is detached, as during a rebase, so that no operation finishes it."""
    work = diverge(world, code_spec)
    tip = git("rev-parse", BRANCH, cwd=work)
    if operation[0] != "rebase":
        (work / "README.md").write_text("c")
        git("commit", "--quiet", "--all", "-m", "c", cwd=work)
        git("checkout", "--quiet", "--detach", cwd=work)
        tip = git("rev-parse", "HEAD", cwd=work)
    with pytest.raises(subprocess.CalledProcessError):
        git(*operation, cwd=work)
    pod = world.pod(world.task(code_spec(), attempt=2))
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert "<<<<<<<" in git("show", "kept/code-r1-3b2c1-2-unfinished:README.md", cwd=work)
    assert git("merge-base", BRANCH, tip.strip(), cwd=work) == tip, "no commit is lost"
    left = [".git/rebase-merge", ".git/CHERRY_PICK_HEAD", ".git/REVERT_HEAD", ".git/sequencer"]
    assert not [name for name in left if (work / name).exists()]


def damage_object(work: Path) -> None:
    loose = git("rev-parse", "HEAD^{tree}", cwd=work).strip()
    (work / ".git/objects" / loose[:2] / loose[2:]).unlink()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a reference emptied": lambda work: (work / ".git/refs/heads" / BRANCH).write_text(""),
    "HEAD emptied": lambda work: (work / ".git/HEAD").write_text(""),
    "an object lost": damage_object,
    "no repository any more": lambda work: (work / ".git/config").write_text("[core\n"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_clone_is_kept_aside_and_cloned_again(world: World, code_spec: SpecFactory, damage: str) -> None:
    run_attempt(world, code_spec(), "echo 1 > one; exit 1")
    work = clone(world)
    (work / "two").write_text("not pushed")
    DAMAGE[damage](work)
    pod = pod_of(world, code_spec(), "[[ -e one ]] && echo 2 > three", attempt=2)
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert world.remotes.files("shop", BRANCH) == ["one", "three"]
    (aside,) = (world.path / "workspace").glob("*.broken-code-r1-3b2c1-2-*")
    assert (aside / "two").read_text() == "not pushed"
    assert f"set aside as /workspace/{aside.name}" in pod.log


def test_damaged_index_is_rebuilt_and_files_stay(world: World, code_spec: SpecFactory) -> None:
    run_attempt(world, code_spec(), "echo 1 > one; exit 1")
    (clone(world) / ".git/index").write_bytes(b"DIRC garbage")
    (clone(world) / "two").write_text("not pushed")
    pod = pod_of(world, code_spec(), "", attempt=2)
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert world.remotes.files("shop", BRANCH) == ["one", "two"]


def test_shallow_clone_is_completed(world: World, code_spec: SpecFactory) -> None:
    for number in range(3):
        world.remotes.commit("shop", {f"f{number}": "x"})
    run_attempt(world, code_spec(), "git fetch -q --depth 1 origin main; echo 1 > one; exit 1")
    assert (clone(world) / ".git/shallow").exists()
    pod = world.pod(world.task(code_spec(), attempt=2))
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert git("rev-parse", "--is-shallow-repository", cwd=clone(world)).strip() == "false"


@pytest.mark.parametrize("damage", ["a lock left", "an object lost", "a pipe and no rights"])
def test_damaged_store_of_task_documents_is_created_again(world: World, code_spec: SpecFactory, damage: str) -> None:
    world.pod(world.task(code_spec())).run()
    (store,) = (world.path / "workspace").glob("platform-*.git")
    if damage == "a lock left":
        (store / "shallow.lock").touch()
    elif damage == "a pipe and no rights":
        (store / "HEAD").unlink()
        os.mkfifo(store / "HEAD")
        (store / "objects").chmod(0)
    else:
        for file in store.glob("objects/*/*"):
            file.unlink()
    pod = world.pod(world.task(code_spec(), attempt=2))
    pod.command = [*WITHOUT_CAPABILITIES, *pod.command]
    assert pod.run().reason is not Reason.REPOSITORY_DENIED, pod.log
    assert "starting the agent" in pod.log
