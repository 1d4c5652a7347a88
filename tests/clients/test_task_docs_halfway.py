"""`orchestrator task docs` leaves a consistent repository if it does not complete.

a refused push            the commit is kept and no run is requested; the same command continues
a hook refuses a commit   the index is unchanged
Ctrl-C during git         the repository is unchanged, without a lock
a dry run                 changes nothing, calls no server, and prints the steps
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.clients.conftest import CommandLine, Functions, Repository, environment

TASKS = ".taskmaster/tasks/tasks.json"


def test_a_refused_push_keeps_the_commit_and_can_be_repeated(
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
    """Push a commit to the remote that the clone does not have."""
    other = repository.path.parent / "colleague"
    repository.git("clone", "--quiet", str(repository.bare), str(other), at=repository.path.parent)
    (other / "theirs.txt").write_text("theirs\n")
    repository.git("add", "--all", at=other)
    repository.git("commit", "--quiet", "--message=Theirs", at=other)
    repository.git("push", "--quiet", at=other)


def test_a_commit_refused_by_a_hook_leaves_the_index_unchanged(
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
def test_ctrl_c_leaves_the_repository_unchanged(
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
    repository.git("add", ".taskmaster")  # fails if a lock is left


def test_a_dry_run_changes_nothing_and_prints_the_steps(
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
