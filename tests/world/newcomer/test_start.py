"""The first commands of a newcomer (cases N1, N5 to N9, N12, N13 of the field)."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.clients.commands.dev import first_run
from functions.local.dev.repositories import Mirror, RepositoryError, git, mirror_of
from tests.clients.conftest import CommandLine, Functions, Repository
from tests.clients.in_process_cli import command
from tests.support.api import ROOT
from tests.support.builders import CODE_SPEC

TASKS = {
    "master": {"tasks": [{"id": 1, "title": "One", "status": "pending"}]},
    "shop": {
        "tasks": [
            {"id": 1, "title": "Done", "status": "done"},
            {"id": 2, "title": "Waits", "status": "pending", "dependencies": [3]},
            {"id": 3, "title": "Next", "status": "pending", "dependencies": [1]},
        ]
    },
}


def mirror(folder: Path, tasks: Any, state: Any = None, directory: str = ".") -> Mirror:
    """Return a mirror of a repository with these tasks."""
    place = folder / "mine" / directory / ".taskmaster"
    (place / "tasks").mkdir(parents=True)
    (place / "tasks" / "tasks.json").write_text(json.dumps(tasks))
    if state:
        (place / "state.json").write_text(json.dumps(state))
    git(folder, "init", "--quiet", "--initial-branch=main", str(folder / "mine"))
    git(folder / "mine", "add", "--all")
    git(folder / "mine", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message=mine")
    return mirror_of(str(folder / "mine"), folder)


def test_next_pending_task_of_the_current_tag_is_chosen(tmp_path: Path) -> None:
    found = mirror(tmp_path, TASKS, {"currentTag": "shop"})
    assert (found.next_task().id, found.next_task().tag, found.next_task().title) == (3, "shop", "Next")
    assert found.next_task(tag="master").title == "One"
    assert found.next_task(wanted="2").title == "Waits"


def test_tag_defaults_to_master_and_is_empty_for_a_file_without_tags(tmp_path: Path) -> None:
    assert mirror(tmp_path, TASKS).next_task().title == "One"
    (tmp_path / "flat").mkdir()
    flat = mirror(tmp_path / "flat", {"tasks": [{"id": "HAM-1", "title": "Flat"}]}, directory="services/shop")
    assert (flat.next_task(directory="services/shop").id, flat.next_task(directory="services/shop").tag) == (
        "HAM-1",
        "",
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"wanted": "9"}, "TASK=9: tag shop of .taskmaster/tasks/tasks.json has no such task; it has 1, 2, 3"),
        ({"tag": "web"}, "TAG=web: .taskmaster/tasks/tasks.json has no such tag; it has master, shop"),
        (
            {"directory": "web"},
            "web/.taskmaster/tasks/tasks.json is not committed on the default branch; "
            "DIR= names the directory with .taskmaster",
        ),
    ],
)
def test_missing_task_tag_or_directory_is_answered_with_the_existing_ones(
    tmp_path: Path, given: dict[str, str], why: str
) -> None:
    found = mirror(tmp_path, TASKS, {"currentTag": "shop"})
    with pytest.raises(RepositoryError, match=re.escape(why)):
        found.next_task(**given)


def test_directory_that_is_no_repository_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(RepositoryError, match=r"REPO=.*plain cannot be cloned: .*not a git repository"):
        mirror_of(str(tmp_path / "plain"), tmp_path / "mirrors")


def test_port_without_room_for_the_functions_is_refused() -> None:
    refused = command("dev", "--port", "99999")
    assert (refused.code, "'--port': 99999 is not in the range" in refused.err) == (2, True)


def test_message_says_how_to_choose_when_all_tasks_are_done(tmp_path: Path) -> None:
    found = mirror(tmp_path, {"tasks": [{"id": 1, "status": "done"}]})
    with pytest.raises(RepositoryError, match="no pending task; choose one with TASK=: 1"):
        found.next_task()


def test_make_dev_prints_no_warning_and_writes_a_file_to_source(tmp_path: Path) -> None:
    own = mirror(tmp_path, TASKS).path
    state = tmp_path / "state"
    command = [
        sys.executable,
        "-m",
        "functions.clients",
        "dev",
        "--port",
        "0",
        "--state",
        str(state),
        "--repo",
        str(own),
    ]
    errors = tmp_path / "errors"
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors.open("w"), text=True)
    try:
        assert process.stdout
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ready."):
                break
    finally:
        start = errors.read_text()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert said[-1:] == ["Ready. Ctrl-C stops it; the next start continues from that state.\n"], start
    assert not re.findall(".*(?:WARNING|ERROR|Traceback).*", start)
    assert process.returncode == 130
    assert "Traceback" not in errors.read_text()
    assert len([line for line in said if line.startswith("repository ")]) == 2, "the example and the user's repository"
    assert [line for line in said if line.startswith("then         orchestrator task code ")]
    sourced = subprocess.run(
        ["sh", "-c", f". {state}/env; git config --get-regexp insteadof; echo $ORCHESTRATOR_API_URL; echo $PATH"],
        capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    ).stdout  # fmt: skip
    assert sourced.endswith(f"{os.environ['PATH']}:{Path(sys.executable).parent}\n"), (
        "the shell finds the installed command"
    )
    assert "https://local.invalid/" in sourced
    assert "submit_docs=http://127.0.0.1:" in sourced


@pytest.mark.parametrize("status", ["pending", "done"])
def test_make_dev_prints_a_command_that_submits_a_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    own = mirror(tmp_path, {"tasks": [{"id": 7, "title": "One", "status": status}]})
    monkeypatch.chdir(tmp_path)  # not a clone of the repository
    program, *arguments = shlex.split(first_run(own))
    ready = command(*arguments, "--dry-run", "-o", "json", HOME=str(tmp_path))
    assert (program, ready.code) == ("orchestrator", 0), ready.err
    spec = ready.json["spec"]
    assert (spec["service"], spec["repositoryUrl"], spec["githubUser"]) == ("mine", own.url, "octocat")
    assert spec.get("taskId") == (7 if status == "pending" else None)


def test_unknown_agent_cli_is_refused_with_the_installed_ones(functions: Functions, cli: CommandLine) -> None:
    options = [f"--{name}={CODE_SPEC[key]}" for name, key in (
        ("repository-url", "repositoryUrl"), ("platform-repository-url", "platformRepositoryUrl"),
        ("model", "model"), ("github-app", "githubApp"), ("service", "service"),
    )]  # fmt: skip
    refused = cli(
        "task", "code", "3", *options, "--agent-cli", "nosuch", environ={"ORCHESTRATOR_API_URL": functions.api_url}
    )
    assert refused.code == 1
    assert "there are no templates for nosuch; there are claude, codex" in refused.err


def test_rehearsal_agent_refuses_codex_with_a_reason() -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "functions/local/rehearsal_agent.py"), "exec", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1,
        "the rehearsal agent plays Claude Code only: leave agentCli out, or install Codex with OPENAI_API_KEY\n",
    )


def test_task_code_with_another_repository_asks_which_has_the_task(cli: CommandLine, repository: Repository) -> None:
    asked = cli(
        "task", "code", "1", "-s", "shop", "--dry-run", "--repository-url", "https://git.example/other/repo.git",
        cwd=repository.path,
    )  # fmt: skip
    assert asked.code == 2
    assert (
        "--platform-repository-url: is needed. This directory is a clone of https://git.example.invalid/acme"
        in asked.err
    )


def test_task_title_comes_from_the_local_clone(cli: CommandLine, repository: Repository) -> None:
    submitted = cli("task", "code", "2", "-s", "shop", "--dry-run", "-o", "json", cwd=repository.path).json
    assert submitted["spec"]["taskTitle"] == "Two"


def test_demonstration_without_git_fails_with_one_line(cli: CommandLine, tmp_path: Path) -> None:
    lost = cli("run", "--state", str(tmp_path / "state"), cwd=ROOT, environ={"PATH": ""})
    assert (lost.code, lost.err) == (1, "orchestrator: git is not installed, or not on the PATH\n")


def test_make_help_names_every_documented_target() -> None:
    output = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = {line.split()[1] for line in output.splitlines()}
    assert listed >= {"help", "run", "dev", "install", "test", "bench"}
    declared = re.findall(r"^([a-z-]+):.*", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(declared) - listed == {"clean", "format", "lock"} - listed
