"""The world of a test in this directory: remotes, specs, pods."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.runs.specs import CodeRunSpec, DocsRunSpec, RunSpec
from tests.agent import sshd
from tests.agent.remotes import Remotes
from tests.agent.sshd import SshServer
from tests.agent.world import TASKS, World
from tests.support.github import Github, Repository, serving
from tests.support.github.certificate import Certificate, make

PARTS = Path(__file__).parents[2] / ".parts/node_modules/.bin"


@pytest.fixture(scope="session")
def claude(program: Callable[[str, str], str]) -> str:
    """The real Claude Code, in the version that `.ci/parts` pins."""
    return program(str(PARTS / "claude"), "make parts, with npm installed")


@pytest.fixture(scope="session")
def ssh_server(program: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """One real sshd for all tests."""
    hint = "make parts (Debian: apt-get install openssh-server)"
    with sshd.serving(
        program("/usr/sbin/sshd", hint), program("git-shell", "apt-get install git"), tmp_path_factory.mktemp("sshd")
    ) as found:
        yield found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from _world(tmp_path, "")


@pytest.fixture
def ssh_world(tmp_path: Path, ssh_server: SshServer) -> Iterator[World]:
    """A world whose remotes are behind the real sshd."""
    yield from _world(tmp_path, ssh_server.url(tmp_path / "remotes"))


def _world(tmp_path: Path, url: str) -> Iterator[World]:
    (tmp_path / "remotes").mkdir()
    found = World(tmp_path, Remotes(tmp_path / "remotes", url))
    found.remotes.create("shop", {"README.md": "shop\n", "src/app.py": "print()\n"})
    documents = {f".taskmaster/docs/task-1/{name}.md": f"# {name}\n- [ ] say hello\n" for name in ("task", "prompt")}
    found.remotes.create("platform", {".taskmaster/tasks/tasks.json": json.dumps(TASKS), **documents})
    yield found
    for pod in found.pods:
        pod.end()


@pytest.fixture
def certificate(world: World) -> Certificate:
    directory = world.path / "github"
    directory.mkdir()
    return make(directory)


@pytest.fixture
def github(world: World, certificate: Certificate) -> Iterator[Github]:
    """A GitHub over HTTPS that has the remotes as repositories, with a GitHub App installed on them."""
    with serving(Github(), certificate) as found:
        for name in ("shop", "platform"):
            found.repository(f"acme/{name}", bare=world.remotes.root / name)
        yield found


@pytest.fixture
def shop(github: Github) -> Repository:
    return github.repository("acme/shop")


SpecFactory = Callable[..., RunSpec]


@pytest.fixture
def code_spec() -> SpecFactory:
    def make(**changes: Any) -> CodeRunSpec:
        known = {
            "repositoryUrl": "https://github.com/acme/shop",
            "platformRepositoryUrl": "https://github.com/acme/platform",
            "taskId": 1,
            "service": "shop",
            "model": "claude-test",
            "githubUser": "octocat",
        }
        return CodeRunSpec.model_validate(known | changes)

    return make


@pytest.fixture
def docs_spec() -> SpecFactory:
    def make(**changes: Any) -> DocsRunSpec:
        known = {
            "repositoryUrl": "https://github.com/acme/platform",
            "sourceBranch": "main",
            "model": "claude-test",
            "githubUser": "octocat",
        }
        return DocsRunSpec.model_validate(known | changes)

    return make
