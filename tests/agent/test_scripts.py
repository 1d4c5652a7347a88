"""The rendered scripts pass their linters, and the pinned host keys are GitHub's."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.templating.render import task_files
from tests.agent.conftest import SpecFactory
from tests.agent.world import World, lay_out, plain_settings

ROOT = Path(__file__).parents[2]

IDENTITIES: list[dict[str, Any]] = [{"githubUser": "octocat"}, {"githubUser": None, "githubApp": "5DLabs-Rex"}]
EXTRAS: list[dict[str, Any]] = [
    {},
    {"continueSession": True, "maxTurns": 3, "maxCostUsd": 2.5, "workingDirectory": "a b'c"},
]


@pytest.fixture
def rendered(world: World, tmp_path: Path, code_spec: SpecFactory, docs_spec: SpecFactory) -> list[Path]:
    """Return directories with the task files of every kind of script."""
    specs = [code_spec(**identity, **extra) for identity in IDENTITIES for extra in EXTRAS]
    specs += [docs_spec(**identity) for identity in IDENTITIES]
    found = []
    for number, spec in enumerate(specs):
        lay_out(tmp_path / f"rendered-{number}", task_files(world.task(spec), plain_settings()).files)
        found.append(tmp_path / f"rendered-{number}")
    return found


def test_shell_scripts_pass_shellcheck(rendered: list[Path]) -> None:
    if not shutil.which("shellcheck") and os.environ.get("CI") != "true":
        pytest.skip("shellcheck is not installed: apt-get install shellcheck")
    scripts = [str(path) for directory in rendered for path in directory.glob("*.sh")]
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_helpers_pass_the_linter_and_compile(rendered: list[Path]) -> None:
    helpers = [str(path) for path in rendered[0].glob("*.py")]
    assert {Path(helper).stem for helper in helpers} >= {"agent_cli", "agent_process", "attempt_report", "redact"}
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *config, *helpers], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    for helper in helpers:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-m", "py_compile", helper], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_pinned_host_keys_have_the_fingerprints_github_publishes(rendered: list[Path]) -> None:
    """Source: GitHub Docs, "GitHub's SSH key fingerprints"."""
    found = {}
    for line in (rendered[0] / "known_hosts").read_text().splitlines():
        host, kind, key = line.split()
        assert host == "github.com"
        found[kind] = base64.b64encode(hashlib.sha256(base64.b64decode(key)).digest()).decode().rstrip("=")
    assert found == {
        "ssh-ed25519": "+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
        "ecdsa-sha2-nistp256": "p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM",
        "ssh-rsa": "uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s",
    }
