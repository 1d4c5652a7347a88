"""The workspace of code runs: one attempt at a time, one pod per attempt; work is never lost or mixed."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH, clone, pod_of, run_attempt
from tests.agent.conftest import SpecFactory
from tests.agent.remotes import git
from tests.agent.world import WITHOUT_CAPABILITIES, Pod, World, result_line

WAITING = "echo started; until [[ -e $POD_ROOT/go ]]; do sleep 0.05; done; echo x > x"


def waiting_pod(world: World, spec: SpecFactory) -> Pod:
    pod = pod_of(world, spec(), WAITING).start()
    pod.until_logged("started")
    return pod


def test_second_pod_of_an_attempt_starts_no_agent(world: World, code_spec: SpecFactory) -> None:
    first = waiting_pod(world, code_spec)
    second = world.pod(world.task(code_spec()), REHEARSAL_LOG=str(world.path / "starts"))
    result = second.run()
    assert (result.outcome, result.reason) == ("failed", Reason.DUPLICATE_POD)
    assert "pod-uid-0" in result.message
    assert not (world.path / "starts").exists()
    (first.root / "go").touch()
    assert first.wait().reason is Reason.COMPLETED


def test_second_pod_after_the_end_of_the_attempt_is_refused(world: World, code_spec: SpecFactory) -> None:
    world.pod(world.task(code_spec())).run()
    assert world.pod(world.task(code_spec())).run().reason is Reason.DUPLICATE_POD


def test_another_run_waits_for_the_workspace(world: World, code_spec: SpecFactory) -> None:
    first = waiting_pod(world, code_spec)
    second = world.pod(world.task(code_spec(), run="r2")).start()
    second.until_logged("waiting for another attempt")
    assert "starting the agent" not in second.log
    (first.root / "go").touch()
    assert first.wait().reason is Reason.COMPLETED
    assert second.wait().reason is Reason.COMPLETED
    assert "x" not in world.remotes.files("shop", "agents/r2-3b2c1")


def test_wait_for_the_workspace_ends_at_the_deadline(world: World, code_spec: SpecFactory) -> None:
    waiting_pod(world, code_spec)
    second = world.pod(world.task(code_spec(), run="r2", deadline_seconds=2))
    assert second.run().reason is Reason.DEADLINE_EXCEEDED


def test_two_agents_of_a_service_work_at_the_same_time(world: World, code_spec: SpecFactory) -> None:
    first = waiting_pod(world, code_spec)
    second = world.pod(world.task(code_spec(), run="r2"), workspace="workspace-of-another")
    assert second.run().reason is Reason.COMPLETED
    (first.root / "go").touch()
    assert first.wait().reason is Reason.COMPLETED


def test_retry_continues_earlier_work(world: World, code_spec: SpecFactory) -> None:
    work = "echo 1 > one; git add one; git commit -qm one; echo 2 > two"
    run_attempt(world, code_spec(), f"{work}; mkdir -p .orchestrator; echo c > .orchestrator/c; exit 1")
    again = "[[ -e one && -e two && -e .orchestrator/c ]] && echo 3 > three"
    result = run_attempt(world, code_spec(), again, attempt=2)
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", result.branch or "") == ["one", "three", "two"]


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_retry_without_the_workspace_continues_the_pushed_branch(
    world: World, code_spec: SpecFactory, docs_spec: SpecFactory, kind: str
) -> None:
    spec = code_spec() if kind == "code" else docs_spec(repositoryUrl="https://github.com/acme/platform")
    first = run_attempt(world, spec, "echo 1 > one; exit 1")
    again = world.agent(f"[[ -e one ]] && echo 2 > two\n{result_line()}")
    pod = world.pod(world.task(spec, attempt=2), workspace="another", AGENT_COMMAND=again)
    result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    repository = spec.repository_url.rsplit("/", 1)[-1]
    assert world.remotes.files(repository, first.branch or "") == ["one", "two"]


def test_work_of_another_killed_run_is_kept_separately(world: World, code_spec: SpecFactory) -> None:
    first = waiting_pod(world, code_spec)
    (clone(world) / "half").write_text("unfinished")
    first.end()
    second = world.pod(world.task(code_spec(), run="r2"))
    result = second.run()
    assert result.reason is Reason.COMPLETED, second.log
    assert "half" not in world.remotes.files("shop", result.branch or "")
    back = world.pod(world.task(code_spec(), attempt=2))
    assert back.run().reason is Reason.COMPLETED
    assert "half" in world.remotes.files("shop", BRANCH)


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
    hook.unlink()
    world.remotes.commit("shop", {"theirs": "t"}, branch=BRANCH)
    result = world.pod(world.task(code_spec(), attempt=2)).run()
    assert result.reason is Reason.CONFLICT
    assert git("rev-parse", BRANCH, cwd=clone(world)) == ours
    assert world.remotes.files("shop", BRANCH) == ["theirs"]


def test_detached_commit_is_kept(world: World, code_spec: SpecFactory) -> None:
    run_attempt(world, code_spec(), "exit 1")
    git("checkout", "--quiet", "--detach", cwd=clone(world))
    git("commit", "--quiet", "--allow-empty", "-m", "loose", cwd=clone(world))
    loose = git("rev-parse", "HEAD", cwd=clone(world))
    world.pod(world.task(code_spec(), attempt=2)).run()
    assert git("rev-parse", "kept/code-r1-3b2c1-2", cwd=clone(world)) == loose


@pytest.mark.parametrize("words", ["NO_CHANGES: not wanted", "done"])
def test_retry_without_changes_reports_the_earlier_work_on_the_branch(
    world: World, code_spec: SpecFactory, words: str
) -> None:
    run_attempt(world, code_spec(), "echo 1 > one; exit 1")
    pushed = world.remotes.tip("shop", BRANCH)
    result = run_attempt(world, code_spec(), "git reset -q --hard origin/main", words, attempt=2)
    assert result.reason is Reason.NO_CHANGES
    assert (result.branch, result.commit) == (BRANCH, pushed)
    assert f"{BRANCH} still has the work of an earlier attempt ({pushed[:10]})" in result.message
    assert world.remotes.tip("shop", BRANCH) == pushed


def test_link_in_place_of_task_documents_is_replaced_and_a_file_is_refused(
    world: World, code_spec: SpecFactory
) -> None:
    """A link is replaced and not committed; a file in place of a directory is named before the agent starts."""
    place = ".taskmaster/docs/task-1"
    agents = [
        f"echo 1 > one; rm -rf {place}; ln -s ../../src {place}",
        f"[[ -f {place}/task.md && -f src/app.py ]] && echo 2 > two; rm -rf .taskmaster; echo > .taskmaster",
        "echo 3 > three",
    ]
    results = [run_attempt(world, code_spec(), agent, attempt=number) for number, agent in enumerate(agents, 1)]
    assert [result.reason for result in results] == [Reason.COMPLETED, Reason.COMPLETED, Reason.INVALID_INPUT]
    assert world.remotes.files("shop", BRANCH) == [".taskmaster", "one", "two"]
    assert f".taskmaster is not a directory on {BRANCH}: the task's documents go to {place}" in results[2].message


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


def test_known_session_is_resumed(world: World, code_spec: SpecFactory) -> None:
    task = world.task(code_spec())
    world.pod(task).run()
    sessions = list((world.path / "workspace/.claude/projects").rglob("*.jsonl"))
    assert [file.stem for file in sessions] == [task.session_id]
    result = world.pod(world.task(code_spec(), attempt=2)).run()
    assert result.session_id == task.session_id
    assert len(sessions[0].read_text().splitlines()) == 2


def test_unknown_session_is_started_as_a_new_one(world: World, code_spec: SpecFactory) -> None:
    result = world.pod(world.task(code_spec(), attempt=2)).run()
    assert result.reason is Reason.COMPLETED


def test_new_run_continues_the_last_session_when_requested(world: World, code_spec: SpecFactory) -> None:
    first = world.task(code_spec())
    world.pod(first).run()
    own = "11111111-1111-5111-8111-111111111111"
    record = 'printf "%s\\n" "$@" > "$POD_ROOT/arguments"'
    pod = pod_of(world, code_spec(continueSession=True), record, run="r2", session_id=own)
    pod.run()
    given = (pod.root / "arguments").read_text().split("\n")
    at = given.index("--resume")
    assert given[at : at + 5] == ["--resume", first.session_id, "--fork-session", "--session-id", own]


def test_memory_is_kept_for_a_retry_and_removed_for_another_run(world: World, code_spec: SpecFactory) -> None:
    world.pod(world.task(code_spec())).run()
    memory = world.path / "workspace/.claude/CLAUDE.md"
    with memory.open("a") as file:
        file.write("learned\n")
    world.pod(world.task(code_spec(), run="r2")).run()
    assert "learned" not in memory.read_text()
    world.pod(world.task(code_spec(), attempt=2)).run()
    assert memory.read_text().endswith("learned\n")
