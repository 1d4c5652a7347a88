"""Conditions that `orchestrator task docs` refuses before it changes anything.

repository            none; without remote, several remotes, a remote local to this machine; no commit
branch                detached HEAD; another than the one checked out; unpushed work on other files
Task Master's files   none, not JSON, without tasks, ignored, symbolic links
request               no GitHub login; invalid values, all at once; a key or token that is invalid in a header
"""

import subprocess

import pytest

from tests.clients.conftest import URL, CommandLine, Functions, Repository, environment
from tests.clients.in_process_cli import command

TASKS = ".taskmaster/tasks/tasks.json"


def test_a_detached_head_needs_a_branch_name(docs: CommandLine, functions: Functions, repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--detach")
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    before = repository.git("rev-parse", "HEAD")
    refused = docs()
    assert refused.code == 1
    assert "HEAD is detached" in refused.err
    assert "git switch" in refused.err
    assert repository.git("rev-parse", "HEAD") == before
    assert functions.spec(docs("--source-branch", "main", "-o", "json"))["sourceBranch"] == "main"
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("main")


def test_a_branch_that_is_not_checked_out_is_refused(docs: CommandLine) -> None:
    refused = docs("--source-branch", "release")
    assert refused.code == 2
    assert "main is checked out" in refused.err


def test_unpushed_commits_of_other_files_are_refused(
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
    ("having", "problems"),
    [
        (nothing_but_a_directory, ["not a git repository"]),
        (no_remote, ["has no remote", "git remote add"]),
        (several_remotes, ["one, two", "--remote"]),
        (a_local_remote, ["https://host/path", "--repository-url"]),
        (no_commit, ["has no commit yet"]),
        (ignored, [".gitignore:2:.taskmaster/", "is ignored"]),
        (a_name_that_is_no_login, ["Mona Lisa Octocat", "--github-user"]),
        (no_tasks, [TASKS, "does not exist"]),
        (no_json, [TASKS, "is not JSON"]),
        (an_empty_list, [TASKS, "has no tasks"]),
        (a_link_out_of_the_repository, ["task_001.txt is a symbolic link"]),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_an_unusable_repository_is_refused_without_changes(
    functions: Functions, repository: Repository, having: object, problems: list[str]
) -> None:
    assert callable(having)
    having(repository)
    before = (sorted(map(str, repository.path.rglob("*"))), repository.pushed(), functions.runs("DocsRun").keys())
    where = {**environment(repository.home), "ORCHESTRATOR_API_URL": functions.api_url}
    refused = command("task", "docs", "-w", str(repository.path), **where)
    assert refused.code == 1
    assert [each for each in problems if each not in refused.err] == []
    assert "a private key" not in refused.err
    after = (sorted(map(str, repository.path.rglob("*"))), repository.pushed(), functions.runs("DocsRun").keys())
    assert after == before


def test_one_of_several_remotes_can_be_named(docs: CommandLine, functions: Functions, repository: Repository) -> None:
    several_remotes(repository)
    assert functions.spec(docs("--remote", "one", "-o", "json"))["repositoryUrl"] == URL


def test_invalid_values_are_reported_at_once_without_changes(docs: CommandLine, repository: Repository) -> None:
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    without = docs("--idempotency-key", "ü"), docs("--api-url", "http://a.example", ORCHESTRATOR_TOKEN="t0ken")
    assert [each.code for each in without] == [2, 1]
    assert ["--idempotency-key" in without[0].err, "unencrypted" in without[1].err] == [True, True]
    refused = docs("--model", "opus", "--max-retries", "11", "--env", "PATH=/x", "--timeout-seconds", "0")
    assert refused.code == 2
    assert [each for each in ("--max-retries", "--env", "--timeout-seconds") if each not in refused.err] == []
    assert not (repository.path / ".taskmaster/docs").exists()
