"""`orchestrator task docs` as a process, in real git repositories, with the running function.

repository              clean; .taskmaster changed, untracked, deleted; other staged and changed files beside it
directory               the root, a subdirectory, a worktree, a submodule, inside a hook of another repository
branch                  as on the remote; new, without upstream
Task Master's files     present and older format; texts to copy, once and again
remote                  with credentials in its URL
"""

import json
import subprocess

import pytest

from tests.clients.conftest import URL, CommandLine, Functions, Repository, name_remote

TASKS = ".taskmaster/tasks/tasks.json"


def test_a_clean_repository_is_not_committed_or_pushed(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    before = repository.pushed()
    done = docs("-o", "json")
    assert functions.spec(done) | {"agentCli": "claude"} == {
        "repositoryUrl": URL,
        "sourceBranch": "main",
        "workingDirectory": ".",
        "githubUser": "octocat",
        "model": "opus",
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
    assert done.err.index("copied") < done.err.index("committed") < done.err.index("pushing") < done.err.index("asking")


def test_a_copied_text_is_copied_again_only_after_a_change(docs: CommandLine, repository: Repository) -> None:
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
    assert functions.spec(done)["workingDirectory"] == "services/shop"
    assert repository.files("main") == {
        "services/shop/.taskmaster/tasks/tasks.json",
        "services/shop/.taskmaster/tasks/task_001.txt",
        "services/shop/.taskmaster/docs/task-1/task.txt",
    }


def test_git_variables_of_another_repositorys_hook_are_ignored(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    other = repository.path.parent / "other"
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    hooks = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": str(other / "index")}
    repository.write(".taskmaster/tasks/task_001.txt", "text\n")
    assert functions.spec(docs("-o", "json", **hooks))["repositoryUrl"] == URL
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("main")


def test_a_git_worktree_uses_its_own_branch(docs: CommandLine, functions: Functions, repository: Repository) -> None:
    other = repository.path.parent / "other"
    repository.git("worktree", "add", "--quiet", "-b", "feature", str(other))
    (other / ".taskmaster/tasks/task_001.txt").write_text("text\n")
    done = docs("-w", str(other), "-o", "json")
    assert functions.spec(done)["sourceBranch"] == "feature"
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("feature")
    assert repository.git("status", "--porcelain") == ""


def test_a_submodule_is_treated_as_its_own_repository(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    parent = repository.path.parent / "parent"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=trunk", str(parent)], check=True)
    repository.git("submodule", "--quiet", "add", URL, "libs/shop", at=parent)
    module = parent / "libs/shop"
    (module / ".taskmaster/tasks/task_001.txt").write_text("text\n")
    staged = repository.git("diff", "--cached", "--name-only", at=parent)
    done = docs("-w", str(module), "-o", "json")
    found = functions.spec(done)
    assert (found["sourceBranch"], found["workingDirectory"], found["repositoryUrl"]) == ("main", ".", URL)
    assert ".taskmaster/docs/task-1/task.txt" in repository.files("main")
    assert repository.git("diff", "--cached", "--name-only", at=parent) == staged


def test_a_new_branch_without_upstream_is_pushed(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.git("switch", "--quiet", "--create", "plan")
    repository.write(".taskmaster/tasks/task_002.txt", "text\n")
    assert functions.spec(docs("-o", "json"))["sourceBranch"] == "plan"
    assert repository.pushed("plan") == repository.git("rev-parse", "HEAD")


def test_credentials_in_a_remote_are_neither_shown_nor_sent(
    docs: CommandLine, functions: Functions, repository: Repository
) -> None:
    secret = URL.replace("https://", "https://octocat:hunter2@")
    name_remote(repository, secret, repository.bare)
    repository.git("remote", "set-url", "origin", secret)
    done = docs("-o", "json")
    assert functions.spec(done)["repositoryUrl"] == URL
    assert "hunter2" not in done.out + done.err


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_tasks_without_a_text_are_listed_in_one_line(
    docs: CommandLine, repository: Repository, dry: tuple[str, ...]
) -> None:
    """CASES S1."""
    tasks = [{"id": number, "title": "x"} for number in (1, 2, "HAM-1")]
    repository.write(TASKS, json.dumps({"tasks": tasks}))
    repository.write(".taskmaster/tasks/task_001.txt", "# Task 1\n")
    done = docs(*dry)
    assert "no text             tasks 2, HAM-1: no tasks/task_NNN.txt; the agent reads tasks.json\n" in done.err
    repository.write(TASKS, json.dumps({"tasks": tasks[:1]}))
    assert "no text" not in docs(*dry).err
