"""`orchestrator task docs` as a process, in real git repositories, against the running function.

what git has            clean · .taskmaster changed, untracked, deleted · other things staged and changed beside it
                        subdirectory · worktree · submodule · new branch without upstream · detached HEAD
what git has not        no repository · no remote · several remotes · no commit · ignored · unpushed other work
what git refuses        the hook of a commit · the push (the remote is ahead): nothing is asked for, and the same
                        command goes on from there
a person's Ctrl-C       while git works: the repository is as it was
Task Master's files     present and older shape · none · not JSON · symbolic links · texts to copy
the request             a dry run changes nothing · refused values are named before anything is changed
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clients.conftest import URL, CommandLine, Ended, Functions, Repository, environment, name_remote
from tests.clients.inside import command

TASKS = ".taskmaster/tasks/tasks.json"


@pytest.fixture
def docs(cli: CommandLine, functions: Functions, repository: Repository) -> CommandLine:
    """`task docs` in the repository."""

    def run(*arguments: str, cwd: Path | None = None, **environ: str) -> Ended:
        where = {"ORCHESTRATOR_API_URL": functions.api_url, **environ}
        return cli("task", "docs", *arguments, cwd=cwd or repository.path, environ=where)

    return run


def spec(functions: Functions, done: Ended) -> dict[str, object]:
    """The spec of the run that a command with `-o json` made."""
    assert done.code == 0, done.err
    return dict(functions.runs("DocsRun")[done.json["name"]]["spec"])


def test_a_clean_repository_is_documented_as_it_is(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    before = repository.pushed()
    done = docs("-o", "json")
    assert spec(functions, done) | {"agentCli": "claude"} == {
        "repositoryUrl": URL,
        "sourceBranch": "main",
        "workingDirectory": ".",
        "githubUser": "octocat",
        "model": "claude-opus-4-20250514",
        "agentCli": "claude",
        "cancel": False,
        "priority": 0,
    }
    assert done.json["found"]["githubUser"] == "git's user.name"
    assert "committed           nothing" in done.err
    assert "pushed              nothing" in done.err
    assert repository.pushed() == before


def test_only_taskmaster_files_are_committed_and_pushed(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.write("src/tracked.py", "a = 1\n")
    repository.write(".taskmaster/docs/old.md", "old\n")
    repository.commit()
    repository.git("push", "--quiet")
    repository.write(TASKS, json.dumps({"tasks": [{"id": 1, "title": "Changed"}]}))  # the older shape
    repository.write(".taskmaster/tasks/task_001.txt", "# Task 1\n")
    repository.write(".taskmaster/docs/[odd] *name.md", "odd\n")
    (repository.path / ".taskmaster/docs/old.md").unlink()
    repository.write("src/tracked.py", "a = 2\n")
    repository.write("src/staged.py", "b = 1\n")
    repository.git("add", "src/staged.py")
    repository.write("untracked.txt", "mine\n")
    done = docs("-o", "json")
    assert done.code == 0, done.err
    assert repository.files("main") == {
        TASKS,
        ".taskmaster/tasks/task_001.txt",
        ".taskmaster/docs/task-1/task.txt",
        ".taskmaster/docs/[odd] *name.md",
        ".taskmaster/docs/old.md",
    }
    left = repository.git("status", "--porcelain").splitlines()
    assert left == ["A  src/staged.py", " M src/tracked.py", "?? untracked.txt"]
    assert repository.pushed() == repository.git("rev-parse", "HEAD")
    assert "copied              tasks/task_001.txt to docs/task-1/task.txt" in done.err
    assert (
        done.err.index("copied") < done.err.index("committed") < done.err.index("pushing") < done.err.index("asking")
    )


def test_a_text_that_was_copied_is_copied_again_only_when_it_changed(
    docs: CommandLine, repository: Repository
) -> None:
    text = repository.write(".taskmaster/tasks/task_007.txt", "first\n")
    copy = repository.path / ".taskmaster/docs/task-7/task.txt"
    assert docs().code == 0
    again = docs()
    assert again.code == 0
    assert "copied" not in again.err
    text.write_text("second\n")
    assert docs().code == 0
    assert copy.read_text() == "second\n"
    assert repository.git("show", "main:.taskmaster/docs/task-7/task.txt", at=repository.bare) == "second"


def test_a_subdirectory_is_resolved_once(docs: CommandLine, functions: Functions, repository: Repository) -> None:
    repository.write("services/shop/.taskmaster/tasks/tasks.json", '{"tasks": [{"id": 1}]}')
    repository.write("services/shop/.taskmaster/tasks/task_001.txt", "text\n")
    repository.write("services/.taskmaster/mine.txt", "not of this directory\n")
    done = docs("-w", "shop", "-o", "json", cwd=repository.path / "services")
    assert spec(functions, done)["workingDirectory"] == "services/shop"
    assert repository.files("main") == {
        "services/shop/.taskmaster/tasks/tasks.json",
        "services/shop/.taskmaster/tasks/task_001.txt",
        "services/shop/.taskmaster/docs/task-1/task.txt",
    }


def test_it_is_the_directorys_repository_also_within_a_hook_of_another(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    other = repository.path.parent / "other"
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    hooks = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": str(other / "index")}
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    assert spec(functions, docs("-o", "json", **hooks))["repositoryUrl"] == URL
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("main")


def test_a_worktree_is_on_its_own_branch(docs: CommandLine, functions: Functions, repository: Repository) -> None:
    other = repository.path.parent / "other"
    repository.git("worktree", "add", "--quiet", "-b", "feature", str(other))
    (other / ".taskmaster/tasks/task_001.txt").write_text("text\n")
    done = docs("-w", str(other), "-o", "json")
    assert spec(functions, done)["sourceBranch"] == "feature"
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("feature")
    assert repository.git("status", "--porcelain") == ""


def test_a_submodule_is_a_repository_of_its_own(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    parent = repository.path.parent / "parent"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=trunk", str(parent)], check=True)
    repository.git("submodule", "--quiet", "add", URL, "libs/shop", at=parent)
    module = parent / "libs/shop"
    (module / ".taskmaster/tasks/task_001.txt").write_text("text\n")
    staged = repository.git("diff", "--cached", "--name-only", at=parent)
    done = docs("-w", str(module), "-o", "json")
    assert spec(functions, done) | {"sourceBranch": "main", "workingDirectory": ".", "repositoryUrl": URL} == spec(
        functions, done
    )
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("main")
    assert repository.git("diff", "--cached", "--name-only", at=parent) == staged


def test_a_new_branch_without_upstream_is_made_on_the_remote(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.git("switch", "--quiet", "--create", "plan")
    repository.write(".taskmaster/tasks/task_002.txt", "text\n")
    assert spec(functions, docs("-o", "json"))["sourceBranch"] == "plan"
    assert repository.pushed("plan") == repository.git("rev-parse", "HEAD")


def test_a_detached_head_needs_the_name_of_a_branch(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.git("checkout", "--quiet", "--detach")
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    before = repository.git("rev-parse", "HEAD")
    refused = docs()
    assert refused.code == 1
    assert "HEAD is detached" in refused.err
    assert "git switch" in refused.err
    assert repository.git("rev-parse", "HEAD") == before
    assert spec(functions, docs("--source-branch", "main", "-o", "json"))["sourceBranch"] == "main"
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("main")


def test_another_branch_than_the_one_that_is_checked_out_is_refused(docs: CommandLine) -> None:
    refused = docs("--source-branch", "release")
    assert refused.code == 2
    assert "main is checked out" in refused.err


def test_unpushed_work_on_other_files_is_not_pushed_along(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.write("src/secret.py", "not yet for others\n")
    repository.commit("Half done")
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    before, runs = repository.pushed(), functions.runs("DocsRun")
    refused = docs()
    assert refused.code == 1
    assert "Half done" in refused.err
    assert "git push" in refused.err
    assert (repository.pushed(), functions.runs("DocsRun").keys()) == (before, runs.keys())
    assert not (repository.path / ".taskmaster/docs").exists()
    repository.git("push", "--quiet")
    assert docs().code == 0


def test_a_refused_push_keeps_the_commit_and_the_same_command_goes_on(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    ahead(repository)
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    before, runs = repository.pushed(), functions.runs("DocsRun")
    refused = docs()
    assert refused.code == 1
    assert "[rejected]" in refused.err, "git's own message"
    assert "git pull --rebase" in refused.err
    assert (repository.pushed(), functions.runs("DocsRun").keys()) == (before, runs.keys())
    kept = repository.git("log", "--format=%s", "-1")
    assert kept == "Update Task Master tasks"
    repository.git("pull", "--quiet", "--rebase")
    done = docs()
    assert done.code == 0, done.err
    assert "committed           nothing" in done.err
    assert "pushing             main to origin" in done.err
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("main")


def ahead(repository: Repository) -> None:
    """Gives the remote a commit that the clone does not know."""
    other = repository.path.parent / "colleague"
    repository.git("clone", "--quiet", str(repository.bare), str(other), at=repository.path.parent)
    (other / "theirs.txt").write_text("theirs\n")
    repository.git("add", "--all", at=other)
    repository.git("commit", "--quiet", "--message=Theirs", at=other)
    repository.git("push", "--quiet", at=other)


def test_a_hook_that_refuses_the_commit_leaves_the_index_as_it_was(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    hook = repository.path / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho 'no commits on Fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    repository.write("mine.py", "mine\n")
    repository.git("add", "mine.py")
    before, runs = repository.pushed(), functions.runs("DocsRun")
    refused = docs()
    assert refused.code == 1
    assert "no commits on Fridays" in refused.err
    assert "run the same command again" in refused.err
    assert repository.git("ls-files", "--cached").splitlines() == [TASKS, "README.md", "mine.py"]
    assert (repository.pushed(), functions.runs("DocsRun").keys()) == (before, runs.keys())
    hook.unlink()
    assert docs().code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_the_repository_as_it_was(
    functions: Functions, repository: Repository, number: signal.Signals
) -> None:
    hook, begun = repository.path / ".git/hooks/pre-commit", repository.home / "begun"
    hook.write_text(f"#!/bin/sh\necho $$ >{begun}.new; mv {begun}.new {begun}\nexec sleep 60 >/dev/null 2>&1\n")
    hook.chmod(0o755)
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    listed = repository.git("ls-files", "--cached")
    process = subprocess.Popen(
        [sys.executable, "-m", "functions.clients", "task", "docs"],
        cwd=repository.path,
        env={**environment(repository.home), "ORCHESTRATOR_API_URL": functions.api_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 90
    while not begun.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=50)
    os.kill(int(begun.read_text()), signal.SIGKILL)  # git leaves its hook running
    assert process.returncode == 130
    assert "Traceback" not in err
    assert repository.git("ls-files", "--cached") == listed
    hook.unlink()
    repository.git("add", ".taskmaster")  # no lock is left


def test_a_dry_run_changes_nothing_and_says_what_would_be_done(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    before = (repository.pushed(), repository.git("rev-parse", "HEAD"), repository.git("status", "--porcelain"))
    runs = functions.runs("DocsRun")
    done = docs("--dry-run", "-o", "json", ORCHESTRATOR_API_URL="")
    assert done.code == 0, done.err
    assert (done.json["dryRun"], done.json["spec"]["sourceBranch"]) == (True, "main")
    assert "would copy          tasks/task_001.txt to docs/task-1/task.txt" in done.err
    assert "would commit        .taskmaster/docs/task-1/task.txt, .taskmaster/tasks/task_001.txt" in done.err
    assert "would push          main to origin" in done.err
    after = (repository.pushed(), repository.git("rev-parse", "HEAD"), repository.git("status", "--porcelain"))
    assert (after, functions.runs("DocsRun").keys()) == (before, runs.keys())


def nothing_but_a_directory(repository: Repository) -> None:
    subprocess.run(["rm", "-rf", str(repository.path / ".git")], check=True)


def no_remote(repository: Repository) -> None:
    repository.git("remote", "remove", "origin")


def several_remotes(repository: Repository) -> None:
    repository.git("remote", "rename", "origin", "one")
    repository.git("remote", "add", "two", URL)
    repository.git("branch", "--unset-upstream")


def a_local_remote(repository: Repository) -> None:
    repository.git("remote", "set-url", "origin", str(repository.bare))


def no_commit(repository: Repository) -> None:
    repository.git("update-ref", "-d", "HEAD")


def ignored(repository: Repository) -> None:
    repository.git("rm", "--quiet", "-r", "--cached", ".taskmaster")
    repository.write(".gitignore", "node_modules\n.taskmaster/\n")
    repository.commit()
    repository.git("push", "--quiet")


def a_name_that_is_no_login(repository: Repository) -> None:
    repository.git("config", "user.name", "Mona Lisa Octocat")


def no_tasks(repository: Repository) -> None:
    repository.git("rm", "--quiet", "-r", ".taskmaster")


def no_json(repository: Repository) -> None:
    repository.write(TASKS, '{"tasks": [')


def an_empty_list(repository: Repository) -> None:
    repository.write(TASKS, '{"master": {"tasks": []}}')


def a_link_out_of_the_repository(repository: Repository) -> None:
    (repository.home / "id").write_text("a private key")
    (repository.path / ".taskmaster/tasks/task_001.txt").symlink_to(repository.home / "id")


@pytest.mark.parametrize(
    ("having", "told"),
    [
        (nothing_but_a_directory, ["not a git repository"]),
        (no_remote, ["has no remote", "git remote add"]),
        (several_remotes, ["one, two", "--remote"]),
        (a_local_remote, ["https://host/path", "--repository-url"]),
        (no_commit, ["has no commit yet"]),
        (ignored, [".gitignore:2:.taskmaster/", "is ignored"]),
        (a_name_that_is_no_login, ["Mona Lisa Octocat", "--github-user"]),
        (no_tasks, [TASKS, "is not there"]),
        (no_json, [TASKS, "is not JSON"]),
        (an_empty_list, [TASKS, "has no tasks"]),
        (a_link_out_of_the_repository, ["task_001.txt is a symbolic link"]),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_what_is_in_the_way_is_named_before_anything_is_changed(
    functions: Functions, repository: Repository, having: object, told: list[str]
) -> None:
    assert callable(having)
    having(repository)
    before = (sorted(map(str, repository.path.rglob("*"))), repository.pushed(), functions.runs("DocsRun").keys())
    where = {**environment(repository.home), "ORCHESTRATOR_API_URL": functions.api_url}
    refused = command("task", "docs", "-w", str(repository.path), **where)
    assert refused.code == 1
    assert [each for each in told if each not in refused.err] == []
    assert "a private key" not in refused.err
    after = (sorted(map(str, repository.path.rglob("*"))), repository.pushed(), functions.runs("DocsRun").keys())
    assert after == before


def test_one_of_several_remotes_can_be_named(docs: CommandLine, functions: Functions, repository: Repository) -> None:
    several_remotes(repository)
    assert spec(functions, docs("--remote", "one", "-o", "json"))["repositoryUrl"] == URL


def test_credentials_in_a_remote_are_neither_shown_nor_sent(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    secret = URL.replace("https://", "https://octocat:hunter2@")
    name_remote(repository, secret, repository.bare)
    repository.git("remote", "set-url", "origin", secret)
    done = docs("-o", "json")
    assert spec(functions, done)["repositoryUrl"] == URL
    assert "hunter2" not in done.out + done.err


def test_values_that_no_run_may_have_are_all_named_before_anything_is_changed(
    docs: CommandLine, repository: Repository
) -> None:
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    without = docs("--idempotency-key", "ü"), docs("--api-url", "http://a.example", ORCHESTRATOR_TOKEN="t0ken")
    assert [each.code for each in without] == [2, 1]
    assert ["--idempotency-key" in without[0].err, "unencrypted" in without[1].err] == [True, True]
    refused = docs("--model", "opus", "--max-retries", "11", "--env", "PATH=/x", "--timeout-seconds", "0")
    assert refused.code == 2
    assert [each for each in ("--max-retries", "--env", "--timeout-seconds") if each not in refused.err] == []
    assert not (repository.path / ".taskmaster/docs").exists()
