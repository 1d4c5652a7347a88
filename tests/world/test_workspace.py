"""CASES A4, A17 to A19, A27, A29: the workspace is an ordinary clone, and no run damages it for the next."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.attempts import BRANCH, check_next_attempts, clone, is_on_remote, pod_of, run_attempt
from tests.agent.conftest import SpecFactory
from tests.agent.remotes import git
from tests.agent.sshd import SshServer
from tests.agent.world import World, plain_settings, result_line

ALLOW_FILES: dict[str, Any] = {"git_config": {"protocol.file.allow": "always"}}
"""The remotes are directories, which git refuses as submodules without this setting."""


def with_submodule(world: World) -> None:
    """Add the submodule `lib` to the remote `shop`."""
    world.remotes.create("lib", {"lib.txt": "library\n"})
    work = world.path / "work-submodule"
    git("clone", "--quiet", str(world.remotes.root / "shop"), str(work), cwd=world.path)
    lib = str(world.remotes.root / "lib")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", lib, "lib", cwd=work)
    git("config", "--file", ".gitmodules", "submodule.lib.url", "https://github.com/acme/lib", cwd=work)
    git("commit", "--quiet", "--all", "-m", "lib", cwd=work)
    git("push", "--quiet", "origin", "main", cwd=work)


HELD = {
    "the run's branch in a worktree": f"git checkout -q --detach; git worktree add -q held {BRANCH}",
    "the run's branch in a worktree outside": f'git checkout -q --detach; git worktree add -q "$TMPDIR/w" {BRANCH}',
    "a worktree that is gone": f"git checkout -q --detach; git worktree add -q held {BRANCH}; rm -rf held",
    "a locked worktree": "git worktree add -q held -b held; git worktree lock held",
    "an index lock": "touch .git/index.lock .git/HEAD.lock .git/config.lock",
    "a rebase under way": "git rebase -q -i HEAD --exec false; true",
    "a broken merge": "echo junk > .git/MERGE_HEAD",
    "a hook that refuses": "for h in pre-commit post-checkout pre-push reference-transaction; do "
    "printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done",
    "a setting of no use": "git config extensions.worktreeConfig true; git config core.worktree /nowhere; "
    "git config core.bare true",
    "another format": "git config core.repositoryFormatVersion 1; git config extensions.nonsense true",
    "attributes": "echo '* text eol=crlf' > .git/info/attributes; git config core.autocrlf true",
    "a branch where others go": "git branch -m x; git branch agents; git branch moved",
    "a reference that is none": "echo junk > .git/refs/heads/junk",
    "files made read-only": "chmod -R a-w src",
    "other kinds of files in place of ours": """
        cd ../.orchestrator; rm -f lock last-session; mkdir -p lock last-session
        echo '*' > excluded; echo '*' > laid-out
        cd ../.claude; rm -rf CLAUDE.md projects; mkdir CLAUDE.md; echo > projects""",
    "directories of ours replaced": "cd ..; rm -rf .orchestrator .claude; echo > .orchestrator; ln -s nowhere .claude",
}


@pytest.mark.parametrize("held", HELD)
def test_next_run_works_in_any_state_of_the_clone(world: World, code_spec: SpecFactory, held: str) -> None:
    run_attempt(world, code_spec(), f"echo a > a; git add a; git commit -qm a\n{HELD[held]}")
    check_next_attempts(world, code_spec())
    assert "a" in world.remotes.files("shop", BRANCH)


@pytest.mark.parametrize(
    "change", ["true", "echo u > lib/untracked", "echo c > lib/lib.txt", "rm -rf lib", "mv lib elsewhere"]
)
def test_changed_submodule_does_not_block_the_run(world: World, code_spec: SpecFactory, change: str) -> None:
    with_submodule(world)
    agent = world.agent(f"{change}; echo w > work\n{result_line()}")
    for changes in ({}, {"attempt": 2}, {"run": "r2"}):
        pod = world.pod(world.task(code_spec(), **changes), AGENT_COMMAND=agent, **ALLOW_FILES)
        assert pod.run().branch, pod.log
    if change.startswith("echo"):
        assert is_on_remote(world, f"{change[5]}\n")
    if change == "true":
        assert not is_on_remote(world, "library\n"), "published contents of the submodule are not saved"


def test_submodules_are_checked_out_with_the_runs_ssh_key(
    ssh_world: World, ssh_server: SshServer, code_spec: SpecFactory
) -> None:
    with_submodule(ssh_world)
    agent = ssh_world.agent(f"cat lib/lib.txt > copy; cd lib; git log --oneline -1\n{result_line()}")
    pod = ssh_world.pod(
        ssh_world.task(code_spec()),
        settings=plain_settings(
            github={
                "known_hosts": [ssh_server.host_key],
                "readable_repositories": [f"{ssh_world.remotes.url}lib"],
            }
        ),
        secrets={"ssh/id_ed25519": ssh_server.private_key},
        AGENT_COMMAND=agent,
    )
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert ssh_world.remotes.show("shop", f"{BRANCH}:copy") == "library\n"


def test_work_in_a_submodule_is_saved_and_its_link_is_unchanged(world: World, code_spec: SpecFactory) -> None:
    with_submodule(world)
    agent = world.agent(f"cd lib; echo n > new; git add new; git commit -qm new; cd ..; echo w > work\n{result_line()}")
    result = world.pod(world.task(code_spec()), AGENT_COMMAND=agent, **ALLOW_FILES).run()
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["work"]
    assert is_on_remote(world, "n\n")
    assert "nested/lib" in result.message


def test_submodule_moved_to_a_published_commit_is_committed(world: World, code_spec: SpecFactory) -> None:
    with_submodule(world)
    world.remotes.commit("lib", {"v2": "x"})
    agent = world.agent(f"cd lib; git fetch -q; git checkout -q origin/main\n{result_line()}")
    result = world.pod(world.task(code_spec()), AGENT_COMMAND=agent, **ALLOW_FILES).run()
    assert result.reason is Reason.COMPLETED
    assert world.remotes.tip("lib", "main") in git("ls-tree", BRANCH, cwd=world.remotes.root / "shop")


def test_missing_git_lfs_program_is_named(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"})
    tools = world.path / "bin"
    tools.mkdir()
    pod = world.pod(world.task(code_spec()))
    for directory in reversed(pod.environ["PATH"].split(":")):
        for program in Path(directory).glob("*"):
            (tools / program.name).unlink(missing_ok=True)
            (tools / program.name).symlink_to(program)
    (tools / "git-lfs").unlink(missing_ok=True)
    pod.environ = {**pod.environ, "PATH": str(tools)}
    result = pod.run()
    assert result.reason is Reason.CONFIGURATION_ERROR
    assert "git-lfs" in result.message
    assert "starting the agent" not in pod.log


def test_repository_hooks_run_for_the_agents_commits_only(world: World, code_spec: SpecFactory) -> None:
    """core.hooksPath is unset for the agent: `pre-commit install` refuses to work if it is set."""
    agent = """
        [[ -z $(git config --get core.hooksPath) ]] || exit 9
        printf '#!/bin/sh\\necho ran >> "$POD_ROOT/hooks"\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit
        echo a > a; git add a; git commit -qm a; echo b > b"""
    pod = pod_of(world, code_spec(), agent)
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert (pod.root / "hooks").read_text() == "ran\n"
    assert world.remotes.files("shop", BRANCH) == ["a", "b"]


def test_clone_has_the_refs_and_settings_of_an_ordinary_clone(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {"other": "o"}, branch="feature/x")
    agent = """
        git fetch -q && git rev-parse --abbrev-ref origin/HEAD > head
        git log -1 --format=%s origin/feature/x > subject; git checkout -q feature/x && git checkout -q -
        git remote show -n origin > remote; git status -sb > status"""
    pod = pod_of(world, code_spec(), agent)
    assert pod.run().reason is Reason.COMPLETED, pod.log
    assert world.remotes.show("shop", f"{BRANCH}:head") == "origin/main\n"
    assert world.remotes.show("shop", f"{BRANCH}:subject") == "seed\n"
    assert {"head", "subject", "remote", "status"} == set(world.remotes.files("shop", BRANCH))


def rewrite(world: World, branch: str, start: str) -> None:
    """Replace a branch of the remote by a commit on top of `start`."""
    work = world.path / f"rewrite-{branch.replace('/', '-')}"
    git("clone", "--quiet", str(world.remotes.root / "shop"), str(work), cwd=world.path)
    git("checkout", "--quiet", "--detach", start, cwd=work)
    (work / "rewritten").write_text("r")
    git("add", "--all", cwd=work)
    git("commit", "--quiet", "-m", "rewritten", cwd=work)
    git("push", "--quiet", "--force", "origin", f"HEAD:{branch}", cwd=work)


def test_run_continues_after_the_base_branch_was_rewritten(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {"second": "s"})
    run_attempt(world, code_spec(), "echo a > a; exit 1")
    rewrite(world, "main", "origin/main~1")
    result = run_attempt(world, code_spec(), "echo b > b", attempt=2)
    assert result.reason is Reason.COMPLETED
    assert {"a", "b"} <= set(world.remotes.tree("shop", BRANCH))


def test_agent_can_rebase_onto_the_rewritten_base_branch(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {"second": "s"})
    run_attempt(world, code_spec(), "echo a > a")
    rewrite(world, "main", "origin/main~1")
    result = run_attempt(
        world, code_spec(), "git rebase -q --onto origin/main origin/main@{1} || git rebase -q origin/main", attempt=2
    )
    assert result.reason is Reason.COMPLETED
    assert run_attempt(world, code_spec(), "echo c > c", attempt=3).reason is Reason.COMPLETED
    assert {"a", "c", "rewritten"} <= set(world.remotes.tree("shop", BRANCH))


def test_rewritten_base_branch_before_any_work_leaves_no_branch(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {"second": "s"})
    run_attempt(world, code_spec(), "exit 1")
    rewrite(world, "main", "origin/main~1")
    result = run_attempt(world, code_spec(), "", words="NO_CHANGES: none", attempt=2)
    assert (result.outcome, result.reason) == ("succeeded", Reason.NO_CHANGES)
    assert world.remotes.branches("shop") == ["main"]


def test_rewritten_branch_of_the_run_is_continued(world: World, code_spec: SpecFactory) -> None:
    run_attempt(world, code_spec(), "echo a > a; exit 1")
    rewrite(world, BRANCH, f"origin/{BRANCH}~1")
    result = run_attempt(world, code_spec(), "[[ -e rewritten ]] && echo b > b", attempt=2)
    assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["b", "rewritten"]


def test_diverged_branch_is_a_conflict_for_one_attempt_only(world: World, code_spec: SpecFactory) -> None:
    agent = "echo mine > mine; git add mine; git commit -qm mine; until [[ -e $POD_ROOT/go ]]; do sleep 0.05; done"
    pod = pod_of(world, code_spec(), agent).start()
    pod.until_logged("starting the agent")
    world.remotes.commit("shop", {"theirs": "t"}, branch=BRANCH)
    (pod.root / "go").touch()
    result = pod.wait()
    assert result.reason is Reason.CONFLICT
    assert world.remotes.files("shop", BRANCH) == ["theirs"]
    assert "agents/saved/r1-3b2c1/1/work" in result.message
    assert is_on_remote(world, "mine\n")
    again = run_attempt(world, code_spec(), "echo b > b", attempt=2)
    assert again.reason is Reason.COMPLETED
    assert world.remotes.files("shop", BRANCH) == ["b", "theirs"]


def test_tags_are_not_taken_for_branches(world: World, code_spec: SpecFactory) -> None:
    remote = world.remotes.root / "shop"
    for name in ("HEAD", "main", "origin/main", BRANCH):
        git("update-ref", f"refs/tags/{name}", "refs/heads/main", cwd=remote)
    run_attempt(world, code_spec(), "git fetch --quiet --tags; echo one > one")
    (clone(world) / "README.md").write_text("of an interrupted attempt\n")
    result = run_attempt(world, code_spec(), "echo two > two", attempt=2)
    assert result.reason is Reason.COMPLETED, result.message
    assert git("rev-parse", f"refs/heads/{BRANCH}", cwd=remote).strip() == result.commit
    assert world.remotes.files("shop", f"refs/heads/{BRANCH}") == ["README.md", "one", "two"]


@pytest.mark.parametrize("name", ["agents", "agents/saved", f"{BRANCH}/more"])
def test_conflicting_branch_name_is_reported_before_the_agent_starts(
    world: World, code_spec: SpecFactory, name: str
) -> None:
    world.remotes.commit("shop", {"x": "x"}, branch=name)
    pod = pod_of(world, code_spec(), "")
    result = pod.run()
    assert result.reason is Reason.INVALID_INPUT
    assert f"a branch named {name}," in result.message
    assert "starting the agent" not in pod.log


def test_sha256_repository_is_reported_before_the_agent_starts(world: World, code_spec: SpecFactory) -> None:
    bare = world.remotes.root / "shop"
    shutil.rmtree(bare)
    git("init", "--quiet", "--bare", "--object-format=sha256", "-b", "main", str(bare), cwd=world.path)
    work = world.path / "work-sha256"
    git("init", "--quiet", "--object-format=sha256", "-b", "main", str(work), cwd=world.path)
    git("commit", "--quiet", "--allow-empty", "-m", "first", cwd=work)
    git("push", "--quiet", str(bare), "main", cwd=work)
    pod = pod_of(world, code_spec(), "")
    result = pod.run()
    assert result.reason is Reason.INVALID_INPUT
    assert "SHA-256" in result.message
    assert "starting the agent" not in pod.log
