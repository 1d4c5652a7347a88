"""The bundled example: a small service whose tests fail before the first task is done, and pass afterwards."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from functions.local import rehearsal_agent
from functions.local.dev.repositories import EXAMPLE


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "inventory", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path / "inventory")
    return tmp_path / "inventory"


def passes(folder: Path) -> bool:
    command = [sys.executable, "-B", "-m", "unittest"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def test_rehearsal_agent_completes_the_first_task_of_the_example(
    example: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not passes(example)
    change = rehearsal_agent.rehearsed("1")
    assert change
    commits: list[str] = []
    monkeypatch.setattr(rehearsal_agent, "commit", commits.append)
    for _, perform in rehearsal_agent.change_steps("s", "1", change):
        perform()
    assert passes(example)
    assert commits == ["Task 1: take items out of the stock (rehearsal)"]
    assert rehearsal_agent.rehearsed("1") is None, "the task is done only once"
    results = [
        part["content"]
        for line in capsys.readouterr().out.splitlines()
        for part in json.loads(line)["message"]["content"]
        if part["type"] == "tool_result"
    ]
    assert results[0].startswith("FAILED (errors=3)\n")
    assert results[-1].startswith("OK\n")


def test_other_repositories_are_not_taken_for_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert rehearsal_agent.rehearsed("1") is None
