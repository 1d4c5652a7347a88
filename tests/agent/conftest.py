"""Fixtures for attempts: remotes, specs, pods."""

import json
import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from functions.runs.model.report import Report
from functions.runs.model.run_spec import RunSpec
from functions.templating.render import task_files
from tests.agent import sshd
from tests.agent.remotes import Remotes
from tests.agent.sshd import SshServer
from tests.agent.world import TASKS, Pod, World, lay_out, plain_settings
from tests.support.github import Github, Repository, serving
from tests.support.github.certificate import Certificate, make

SpecFactory = Callable[..., RunSpec]
PARTS = Path(__file__).parents[2] / ".parts/node_modules/.bin"


@pytest.fixture(scope="session")
def claude(program: Callable[[str, str], str]) -> str:
    """Return the path of the real Claude Code, in the version that `.ci/parts` pins."""
    return program(str(PARTS / "claude"), "make parts, with npm installed")


@pytest.fixture(scope="session")
def secretlint(program: Callable[[str, str], str]) -> str:
    """Return the path of the agent image's secret scanner."""
    return program(str(PARTS / "secretlint"), "make parts, with npm installed")


@pytest.fixture(scope="session")
def ssh_server(program: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """Yield one real sshd for all tests."""
    hint = "make parts (Debian: apt-get install openssh-server)"
    with sshd.serving(
        program("/usr/sbin/sshd", hint), program("git-shell", "apt-get install git"), tmp_path_factory.mktemp("sshd")
    ) as found:
        yield found


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the initial remotes; each test gets a copy, which takes no git commands."""
    made = Remotes(tmp_path_factory.mktemp("seeds") / "remotes")
    made.root.mkdir()
    made.create("shop", {"README.md": "shop\n", "src/app.py": "print()\n"})
    documents = {f".taskmaster/docs/task-1/{name}.md": f"# {name}\n- [ ] say hello\n" for name in ("task", "prompt")}
    made.create("platform", {".taskmaster/tasks/tasks.json": json.dumps(TASKS), **documents})
    return made.root


@pytest.fixture
def world(tmp_path: Path, seeds: Path) -> Iterator[World]:
    yield from _world(tmp_path, seeds, "")


@pytest.fixture
def config(world: World, code_spec: SpecFactory) -> Path:
    """Return a directory with the task files."""
    lay_out(world.path / "config", task_files(world.task(code_spec()), plain_settings()).files)
    return world.path / "config"


@dataclass(frozen=True)
class Ended:
    """A finished attempt."""

    world: World
    pod: Pod
    report: Report


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, seeds: Path, code_spec: SpecFactory) -> Iterator[Ended]:
    """Yield a successful attempt of a code run, for tests that inspect its results."""
    for world in _world(tmp_path_factory.mktemp("plain"), seeds, ""):
        pod = world.pod(world.task(code_spec()))
        yield Ended(world, pod, pod.run())


@pytest.fixture
def ssh_world(tmp_path: Path, seeds: Path, ssh_server: SshServer) -> Iterator[World]:
    """Yield an environment whose remotes are behind the real sshd."""
    yield from _world(tmp_path, seeds, ssh_server.url(tmp_path / "remotes"))


def _world(tmp_path: Path, seeds: Path, url: str) -> Iterator[World]:
    found = World(tmp_path, Remotes(shutil.copytree(seeds, tmp_path / "remotes"), url))
    yield found
    for pod in found.pods:
        pod.end()


@pytest.fixture
def certificate(world: World, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """Return the certificate of the GitHub double, which brokers in this process trust too."""
    directory = world.path / "github"
    directory.mkdir()
    found = make(directory)
    monkeypatch.setenv("SSL_CERT_FILE", str(directory / "certificate.pem"))
    # aiohttp reads that variable at import.
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context())
    return found


@pytest.fixture
def github(world: World, certificate: Certificate) -> Iterator[Github]:
    """Yield a GitHub double over HTTPS with the remotes as repositories and a GitHub App installed on them."""
    with serving(Github(), certificate) as found:
        for name in ("shop", "platform"):
            found.repository(f"acme/{name}", bare=world.remotes.root / name)
        yield found


@pytest.fixture
def shop(github: Github) -> Repository:
    return github.repository("acme/shop")


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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
