"""CASES A1 to A3, A5, A20: all work of an agent is pushed, or named in the report.

| work                                             | pushed to                                           |
|--------------------------------------------------|-----------------------------------------------------|
| files, also beside files that git refuses to add | the run's branch                                    |
| stashes, other branches, tags, detached commits  | agents/saved/<run>/<attempt>/{stash,branch,tag,...} |
| worktrees, repositories inside the repository    | .../worktree/<name>, .../nested/<path>              |
| staged files, conflicts, unfinished rebases      | .../staged, .../unfinished                          |
| files that the remote rejects                    | nowhere: the rest is pushed, the attempt failed     |
"""

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH, SAVED, check_next_attempts, clone, is_on_remote, pod_of, run_attempt, saved
from tests.agent.conftest import SpecFactory
from tests.agent.world import World


def test_nested_repository_without_a_commit_is_saved(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), "echo w > work.txt; git init -q demo; echo d > demo/inner.txt")
    assert result.outcome == "succeeded"
    assert world.remotes.files("shop", BRANCH) == ["work.txt"]
    assert saved(world) == ["nested/demo/files"]
    assert f"{SAVED}/nested/demo/files" in result.message
    assert is_on_remote(world, "d\n")
    check_next_attempts(world, code_spec())


@pytest.mark.parametrize(
    "setting",
    [
        "commit.gpgsign true",
        "gpg.program false",
        "core.hooksPath hooks",
        "core.editor false",
        "user.useConfigOnly true",
    ],
)
def test_git_settings_of_the_agent_do_not_prevent_the_push(world: World, code_spec: SpecFactory, setting: str) -> None:
    hook = "mkdir -p hooks; printf '#!/bin/sh\\nexit 1\\n' > hooks/pre-commit; chmod +x hooks/pre-commit"
    result = run_attempt(
        world, code_spec(), f"{hook}; git config {setting}; git config --global {setting}; echo w > work.txt"
    )
    assert result.reason is Reason.COMPLETED
    assert "work.txt" in world.remotes.files("shop", BRANCH)
    check_next_attempts(world, code_spec())


def test_git_filter_of_the_agent_is_not_run(world: World, code_spec: SpecFactory) -> None:
    agent = """
        git config filter.evil.clean 'touch $POD_ROOT/ran; cat'; git config filter.evil.required true
        echo '* filter=evil' > .git/info/attributes; echo '*.txt filter=evil' > .gitattributes
        git config core.fsmonitor 'touch $POD_ROOT/ran; false'; echo w > work.txt"""
    pod = pod_of(world, code_spec(), agent)
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert world.remotes.show("shop", f"{BRANCH}:work.txt") == "w\n"
    assert not (pod.root / "ran").exists()


def test_worktree_inside_the_clone_is_saved_and_not_committed_as_a_link(world: World, code_spec: SpecFactory) -> None:
    agent = """
        git worktree add -q .claude/worktrees/fix -b fix; cd .claude/worktrees/fix
        echo c > committed; git add committed; git commit -qm fix; echo u > uncommitted; cd ../../..; echo w > work"""
    result = run_attempt(world, code_spec(), agent)
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["work"]
    assert is_on_remote(world, "c\n")
    assert is_on_remote(world, "u\n")
    assert f"{SAVED}/" in result.message
    check_next_attempts(world, code_spec())


def test_worktree_outside_the_clone_is_saved(world: World, code_spec: SpecFactory) -> None:
    agent = 'git worktree add -q --detach "$TMPDIR/elsewhere"; echo u > "$TMPDIR/elsewhere/u"; echo w > work'
    result = run_attempt(world, code_spec(), agent)
    assert result.reason is Reason.COMPLETED
    assert saved(world) == ["worktree/elsewhere/files"]
    check_next_attempts(world, code_spec())


@pytest.mark.parametrize(("words", "reason"), [("done", Reason.NO_CHANGES), ("NO_CHANGES: none", Reason.NO_CHANGES)])
def test_stashed_work_is_saved_and_named(world: World, code_spec: SpecFactory, words: str, reason: Reason) -> None:
    agent = "echo u > new; echo more >> README.md; git stash -q -u; echo second > second; git stash -q -u"
    result = run_attempt(world, code_spec(), agent, words)
    assert result.reason is reason
    assert (result.outcome == "succeeded") == words.startswith("NO_CHANGES")
    assert saved(world) == ["stash", "stash-1"]
    assert f"{SAVED}/stash" in result.message
    assert all(is_on_remote(world, text) for text in ("u\n", "shop\nmore\n", "second\n"))
    check_next_attempts(world, code_spec())


def test_work_is_saved_when_the_git_directory_was_removed(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), "echo x > x; rm -rf .git")
    assert is_on_remote(world, "x\n")
    branches = world.remotes.branches("shop")
    assert [name for name in branches if name not in ("main", BRANCH)] == [f"{SAVED}/{each}" for each in saved(world)]
    assert all(f"{SAVED}/{each}" in result.message for each in saved(world))


PREPARE = """
    echo a > f; git add f; git commit -qm a; git checkout -q -b theirs HEAD~1; echo b > f; git add f; git commit -qm b
    git checkout -q -"""
UNFINISHED = {
    "merge": "git merge theirs",
    "rebase": "git rebase theirs",
    "cherry-pick": "git cherry-pick theirs",
    "stash": "git checkout -q theirs; echo c > f; git stash -q; git checkout -q -; git stash pop",
    "autostash": "echo loose > README.md; git rebase --autostash theirs",
}


@pytest.mark.parametrize("operation", UNFINISHED)
def test_unfinished_git_operation_is_saved(world: World, code_spec: SpecFactory, operation: str) -> None:
    result = run_attempt(world, code_spec(), f"{PREPARE}\n{UNFINISHED[operation]}; true")
    assert is_on_remote(world, "a\n")
    assert is_on_remote(world, "b\n")
    assert "unfinished" in saved(world)
    assert "unfinished" in result.message
    assert "<<<<<<<" in world.remotes.show("shop", f"{SAVED}/unfinished:f")
    if operation == "autostash":
        assert is_on_remote(world, "loose\n")


@pytest.mark.parametrize(
    "setting",
    [
        "remote.origin.url {other}",
        "remote.origin.pushurl {other}",
        "url.{other}.insteadOf https://github.com/acme/shop",
        "url.{other}.pushInsteadOf https://github.com/acme/shop",
        "remote.origin.receivepack false",
        "core.sshCommand false",
        "remote.pushDefault elsewhere",
        "push.default nothing",
    ],
)
def test_push_goes_to_the_runs_repository_despite_git_settings(
    world: World, code_spec: SpecFactory, setting: str
) -> None:
    other = world.remotes.create("other", {"a": "x"})
    name, value = setting.format(other=other).split(" ")
    result = run_attempt(
        world, code_spec(), f"git config {name} {value}; git config --global {name} {value}; echo w > work.txt"
    )
    assert result.reason is Reason.COMPLETED
    assert world.remotes.branches("other") == ["main"]
    assert world.remotes.files("shop", BRANCH) == ["work.txt"]
    check_next_attempts(world, code_spec())


def test_work_is_saved_when_the_agent_emptied_the_temporary_directory(world: World, code_spec: SpecFactory) -> None:
    report = run_attempt(world, code_spec(), 'echo x > x; rm -rf "$TMPDIR"/*')
    assert report.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["x"]


def refuse(world: World, test: str, words: str) -> None:
    """Make the remote reject a file for which the shell condition `test` holds; `words` names the file as $path."""
    hook = world.remotes.root / "shop/hooks/pre-receive"
    hook.write_text(
        f"""#!/bin/bash
        while read -r _ new _; do
          for commit in $(git rev-list $new --not --all); do
            while IFS= read -r path; do
              if {test}; then echo "{words}" >&2; exit 1; fi
            done < <(git diff-tree -r --root --no-commit-id --name-only $commit)
          done
        done
        """
    )
    hook.chmod(0o755)


WORKFLOW = "refusing to allow a GitHub App to create or update workflow \\`$path\\` without \\`workflows\\` permission"
LARGE = "error: File $path is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB"


@pytest.mark.parametrize("committed", [True, False])
def test_rejected_file_is_named_and_the_rest_is_pushed(world: World, code_spec: SpecFactory, committed: bool) -> None:
    refuse(world, "[[ $path == .github/workflows/* ]]", WORKFLOW)
    commit = "git add .; git commit -qm one;" if committed else ""
    agent = f"mkdir -p .github/workflows; echo w > .github/workflows/ci.yml; echo a > a; {commit} echo b > b"
    result = run_attempt(world, code_spec(), agent)
    assert (result.outcome, result.reason) == ("failed", Reason.PUSH_REFUSED)
    assert world.remotes.files("shop", BRANCH) == ["a", "b"]
    assert result.commit == world.remotes.tip("shop", BRANCH)
    assert ".github/workflows/ci.yml" in result.message
    assert "workflows" in result.message
    (world.remotes.root / "shop/hooks/pre-receive").unlink()
    again = run_attempt(world, code_spec(), "echo c > c", attempt=2)
    assert again.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == [".github/workflows/ci.yml", "a", "b", "c"]


def test_large_file_is_named_and_the_rest_is_pushed(world: World, code_spec: SpecFactory) -> None:
    refuse(world, '(( $(git cat-file -s "$commit:$path" 2>/dev/null || echo 0) > 1000 ))', LARGE)
    result = run_attempt(
        world, code_spec(), "head -c 5000 /dev/zero > big.bin; echo a > a; git add .; git commit -qm a"
    )
    assert (result.outcome, result.reason) == ("failed", Reason.PUSH_REFUSED)
    assert world.remotes.files("shop", BRANCH) == ["a"]
    assert "big.bin" in result.message


def test_work_on_a_rejected_branch_is_saved_to_another_branch(world: World, code_spec: SpecFactory) -> None:
    hook = world.remotes.root / "shop/hooks/update"
    hook.write_text(
        f'#!/bin/sh\n[ "$1" != refs/heads/{BRANCH} ] || {{ echo "GH013: Repository rule violations"; exit 1; }}\n'
    )
    hook.chmod(0o755)
    result = run_attempt(world, code_spec(), "echo a > a")
    assert (result.outcome, result.reason) == ("failed", Reason.PUSH_REFUSED)
    assert "GH013" in result.message
    assert f"{SAVED}/work" in result.message
    assert world.remotes.files("shop", f"{SAVED}/work") == ["a"]
    assert result.branch is None


def test_saved_work_is_not_saved_again_by_the_next_attempt(world: World, code_spec: SpecFactory) -> None:
    run_attempt(world, code_spec(), "echo u > new; git stash -q -u; git init -q demo; echo d > demo/d; echo w > work")
    result = run_attempt(world, code_spec(), "echo more > more", attempt=2)
    assert result.reason is Reason.COMPLETED
    assert "agents/saved" not in result.message
    assert not [name for name in world.remotes.branches("shop") if name.startswith("agents/saved/r1-3b2c1/2")]


def test_run_continues_after_the_agent_amended_a_pushed_commit(world: World, code_spec: SpecFactory) -> None:
    assert run_attempt(world, code_spec(), "echo a > a").reason is Reason.COMPLETED
    result = run_attempt(world, code_spec(), "echo b > b; git add b; git commit -q --amend -m both", attempt=2)
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["a", "b"]
    check_next_attempts(world, code_spec(), attempt=3)


CLONE = "git clone -q https://github.com/acme/platform"


def test_clone_of_another_repository_is_not_saved(world: World, code_spec: SpecFactory) -> None:
    result = run_attempt(world, code_spec(), f"{CLONE} vendor; {CLONE} --no-checkout store; echo w > work")
    assert result.reason is Reason.COMPLETED
    assert saved(world) == []
    assert world.remotes.files("shop", BRANCH) == ["work"]
    assert (clone(world) / "vendor").is_dir()
