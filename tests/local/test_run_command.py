"""`make run` as a newcomer types it: on the example, on a repository of one's own, and on what cannot work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from functions.local.dev.repositories import EXAMPLE, git

ROOT = Path(__file__).resolve().parents[2]


def orchestrator(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {name: text for name, text in os.environ.items() if name != "ANTHROPIC_API_KEY"}
    return subprocess.run(
        [sys.executable, "-m", "functions.clients", "run", "--state", str(state), *arguments],
        cwd=ROOT,
        env=given | {"REHEARSAL_SECONDS": "0.2"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def repository(folder: Path, branch: str = "trunk", *, with_tasks: bool = True) -> Path:
    """A repository of somebody's, with work of their own in it."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if not with_tasks:
        shutil.rmtree(folder / ".taskmaster")
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message=mine")
    return folder


SERVERS = {"pubsub": "pubsub", "nats": "nats_server"}
"""Fixtures that skip, and say why, where the server of a queue is not installed."""


@pytest.mark.parametrize("queue", ["embedded", *SERVERS])
def test_it_shows_both_kinds_of_work_and_their_results(
    tmp_path: Path, queue: str, request: pytest.FixtureRequest
) -> None:
    if queue in SERVERS:
        request.getfixturevalue(SERVERS[queue])
    done = orchestrator(tmp_path, "--queue", queue)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "agent: rehearsal" in done.stdout
    assert "RUN " in done.stdout
    table = [line for line in done.stdout.splitlines() if line.startswith(("DocsRun/", "CodeRun/"))]
    assert [row.split()[1:4] for row in table] == [["Succeeded", "Completed", "1"]] * 2
    assert "files changed" in done.stdout
    assert "+    def remove(self, item: str, count: int) -> int:" in done.stdout, "it ends with a diff to read"
    assert not [line for line in done.stdout.splitlines() if "WARN" in line]
    assert "event    Running" in done.stdout
    assert "log      [rehearsal]" in done.stdout


def test_a_repository_of_ones_own_is_worked_on_as_a_mirror_and_never_pushed_to(tmp_path: Path) -> None:
    own = repository(tmp_path / "a repo of mine ü")
    before = git(own, "for-each-ref"), git(own, "status", "--porcelain")
    done = orchestrator(tmp_path / "state", "--repo", str(own))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (git(own, "for-each-ref"), git(own, "status", "--porcelain")) == before
    (mirror,) = (tmp_path / "state").glob("*/repositories/*.git")
    assert str(mirror) in done.stdout
    assert len(git(mirror, "branch", "--list", "agents/*").split()) == 2
    assert git(mirror, "remote") == ""


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("no-such-directory", "neither a directory nor an https, ssh or git@ URL"),
        ("empty", "cannot be cloned"),
        ("odd tasks", "has no task with an id"),
        ("no-tasks", ".taskmaster/tasks/tasks.json"),
    ],
)
def test_what_cannot_work_is_said_at_once(tmp_path: Path, source: str, why: str) -> None:
    if source == "no-tasks":
        repository(tmp_path / source, with_tasks=False)
    if source == "odd tasks":
        own = repository(tmp_path / source)
        (own / ".taskmaster/tasks/tasks.json").write_text('{"a": {"tasks": [{"id": ""}, {}, 5, {"id": 0}]}, "b": 1}')
        git(own, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--all", "--message=odd")
    if source == "empty":
        (tmp_path / source).mkdir()
    done = orchestrator(
        tmp_path / "state", "--repo", source if source == "no-such-directory" else str(tmp_path / source)
    )
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
