"""`make run` as a newcomer types it: on the example, on the user's repository, and with invalid input."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.local.dev.repositories import EXAMPLE, git
from tests.agent.conftest import PARTS
from tests.agent.model_server import Model, says, serving
from tests.world.claude_code import shell

ROOT = Path(__file__).resolve().parents[2]


def orchestrator(state: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    given = {name: text for name, text in os.environ.items() if name != "ANTHROPIC_API_KEY"}
    return subprocess.run(
        [sys.executable, "-m", "functions.clients", "run", "--state", str(state), *arguments],
        cwd=ROOT,
        env=given | {"REHEARSAL_SECONDS": "0.2"} | environ,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def repository(folder: Path, branch: str = "trunk", *, with_tasks: bool = True) -> Path:
    """Create a user's repository with tasks and a commit of its own."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if not with_tasks:
        shutil.rmtree(folder / ".taskmaster")
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message=mine")
    return folder


@pytest.mark.parametrize("queue", ["embedded", "nats"])
def test_make_run_shows_both_kinds_of_run_and_their_results(
    tmp_path: Path, queue: str, request: pytest.FixtureRequest
) -> None:
    if queue == "nats":
        request.getfixturevalue("nats_installed")
    done = orchestrator(tmp_path, "--queue", queue)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "agent: rehearsal" in done.stdout
    assert "RUN " in done.stdout
    table = [line for line in done.stdout.splitlines() if line.startswith(("DocsRun/", "CodeRun/"))]
    assert [row.split()[1:4] for row in table] == [["Succeeded", "Completed", "1"]] * 2
    assert "files changed" in done.stdout
    assert "+    def remove(self, item: str, count: int) -> int:" in done.stdout, "the output ends with a diff"
    assert not [line for line in done.stdout.splitlines() if "WARN" in line]
    assert "event    Running" in done.stdout
    assert "log      [rehearsal]" in done.stdout


def test_claude_code_works_with_a_key_that_only_the_brokers_have(
    tmp_path: Path, program: Callable[[str, str], str]
) -> None:
    key = "sk-ant-api03-7b1f2c9d"
    claude = program(str(PARTS / "claude"), "make parts, with npm installed")
    search = f"cat /proc/self/environ /proc/$PPID/environ | grep --count --text {key} > found.txt"
    with serving(Model([shell(search), says("All done.")])) as model:
        environ = {
            "PATH": f"{Path(claude).parent}:{os.environ['PATH']}",
            "ANTHROPIC_API_KEY": key,
            "ANTHROPIC_BASE_URL": model.url,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "HTTPS_PROXY": "http://127.0.0.1:9",  # for all requests except those to the pod's broker
        }
        done = orchestrator(tmp_path, **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agent: claude" in done.stdout
    assert {request["headers"]["x-api-key"] for request in model.requests} == {key}
    (mirror,) = tmp_path.glob("*/repositories/*.git")
    branches = git(mirror, "branch", "--list", "agents/*").split()
    assert [git(mirror, "show", f"{branch}:found.txt") for branch in branches] == ["0\n", "0\n"]


@pytest.mark.usefixtures("pubsub_installed")
def test_users_repository_is_mirrored_and_never_changed(tmp_path: Path) -> None:
    """The queue is the Pub/Sub emulator: a second such command would take ten more seconds of processor time."""
    own = repository(tmp_path / "a repo of mine ü")
    before = git(own, "for-each-ref"), git(own, "status", "--porcelain")
    done = orchestrator(tmp_path / "state", "--repo", str(own), "--queue", "pubsub")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
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
def test_invalid_repository_is_reported_with_the_cause(tmp_path: Path, source: str, why: str) -> None:
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
