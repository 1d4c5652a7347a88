"""Fixtures of tests/agent: remotes, specs, pods and sshd."""

import shutil
from pathlib import Path

import pytest

from functions.templating.render import task_files
from tests.agent.conftest import (
    SpecFactory,
    certificate,
    claude,
    code_spec,
    config,
    docs_spec,
    github,
    secretlint,
    seeds,
    shop,
    ssh_server,
    ssh_world,
    world,
)
from tests.agent.remotes import Remotes, git
from tests.agent.world import World, lay_out, plain_settings
from tests.world.claude_code import ClaudeCode
from tests.world.saving_bench import Attempt, Stage

__all__ = [
    "certificate",
    "claude",
    "code_spec",
    "config",
    "docs_spec",
    "github",
    "secretlint",
    "seeds",
    "shop",
    "ssh_server",
    "ssh_world",
    "world",
]


@pytest.fixture
def cli(world: World, claude: str) -> ClaudeCode:
    return ClaudeCode(world, claude)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, seeds: Path, code_spec: SpecFactory) -> Stage:
    """Return the rendered task files and the remote from which every attempt without a pod starts."""
    made = Stage(tmp_path_factory.mktemp("stage"))
    for directory, run in ((made.config, "r1"), (made.other, "r2")):
        task = World(made.path, Remotes(seeds)).task(code_spec(), run=run)
        lay_out(directory, task_files(task, plain_settings()).files)
    made.start.mkdir()
    shutil.copytree(seeds, made.start / "remote")
    git("config", "core.fsync", "none", cwd=made.start / "remote/shop")
    Attempt(made.start).open(made.config)
    return made
