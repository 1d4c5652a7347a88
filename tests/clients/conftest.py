"""Shared fixtures of the clients: real submit functions, the command line as a process, git repositories."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import RUNS
from functions.local.dev import cluster as furniture
from functions.local.dev.function_processes import Child, stop
from functions.local.dev.server import free_port
from tests.clients.doctor_bench import Bench
from tests.support import embedded_server
from tests.support.api import ROOT
from tests.support.fork_server import forked_functions
from tests.support.kubeconfigs import cluster_of

if TYPE_CHECKING:
    from tests.clients.place import Namespace

NAMESPACE = "orchestrator"
URL = "https://git.example.invalid/acme/shop.git"
"""The URL of the test repository; git is configured to use a directory in its place."""

TASKS = {"master": {"tasks": [{"id": 1, "title": "One"}, {"id": 2, "title": "Two"}]}}


@dataclass(frozen=True)
class Functions:
    """The submit functions, each a process of functions-framework, on an embedded API server."""

    cluster: Cluster
    kubeconfig: Path
    folder: Path
    urls: Mapping[str, str]

    @property
    def api_url(self) -> str:
        return ",".join(f"{target}={url}" for target, url in self.urls.items())

    def runs(self, kind: str) -> dict[str, Any]:
        return {each["metadata"]["name"]: each for each in self.cluster.list(RUNS[kind], NAMESPACE)}

    def spec(self, done: "Ended") -> dict[str, Any]:
        """Return the spec of the run that a command with `-o json` created."""
        assert done.code == 0, done.err
        return dict(self.runs(done.json["kind"])[done.json["name"]]["spec"])

    def child(self, target: str, **environ: str) -> Child:
        """Return one more function, not yet started."""
        settings = {
            "ORCHESTRATOR_NAMESPACE": NAMESPACE,
            "ORCHESTRATOR_AGENT__IMAGE": "local",
            "ORCHESTRATOR_BROKER__IMAGE": "local",
            "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(self.kubeconfig),
        }
        port = free_port()
        return Child(target, port, {**os.environ, **settings, **environ}, self.folder / f"{target}-{port}.log")


@pytest.fixture(scope="session")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Functions]:
    folder = tmp_path_factory.mktemp("functions")
    with embedded_server.running(folder / "state.sqlite", ROOT / "crds") as url:
        kubeconfig = furniture.write_kubeconfig(folder, url, NAMESPACE)
        cluster = cluster_of(kubeconfig)
        furniture.create_defaults(cluster, NAMESPACE, {})
        found = Functions(cluster, kubeconfig, folder, {})
        with served(*(found.child(target) for target in ("submit_docs", "submit_code"))) as urls:
            yield Functions(cluster, kubeconfig, folder, urls)


@contextmanager
def served(*children: Child) -> Iterator[Mapping[str, str]]:
    """Start functions, yield the URL of each, and stop them."""
    try:
        with forked_functions():
            for child in children:
                child.start()
        for child in children:
            _wait_for(child)
        yield {child.target: child.url for child in children}
    finally:
        stop(list(children))


def _wait_for(child: Child) -> None:
    until = time.monotonic() + 90
    while True:
        with suppress(urllib3.exceptions.HTTPError):
            if urllib3.request("GET", f"{child.url}/health", retries=False, timeout=30).status == 200:
                return
        assert not child.ended, child.log.read_text()
        assert time.monotonic() < until, child.log.read_text()
        time.sleep(0.05)


@dataclass(frozen=True)
class Ended:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


CommandLine = Callable[..., Ended]


@pytest.fixture
def cli(home: Path) -> CommandLine:
    """Return a function that runs the command line as a process without this machine's configuration."""

    def run(*arguments: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "functions.clients", *arguments],
            cwd=cwd or home,
            env={**environment(home), **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def docs(cli: CommandLine, functions: Functions, repository: "Repository") -> CommandLine:
    """Return a function that runs `task docs`, by default in the repository."""

    def run(*arguments: str, cwd: Path | None = None, **environ: str) -> Ended:
        where = {"ORCHESTRATOR_API_URL": functions.api_url, **environ}
        return cli("task", "docs", *arguments, cwd=cwd or repository.path, environ=where)

    return run


@pytest.fixture
def namespace(functions: Functions) -> "Namespace":
    """Return a new namespace for the test."""
    from tests.clients.place import Namespace

    return Namespace(functions)


@pytest.fixture
def environ(functions: Functions, namespace: "Namespace", home: Path) -> dict[str, str]:
    """Return the environment of `orchestrator-mcp`."""
    cluster = {"KUBECONFIG": str(functions.kubeconfig), "ORCHESTRATOR_NAMESPACE": namespace.name}
    return {**environment(home), **cluster, "ORCHESTRATOR_API_URL": functions.api_url}


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a command with its own home directory."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a person's home directory, with git configured."""
    found = tmp_path / "home"
    found.mkdir()
    lines = ["[user]", "name = octocat", "email = octocat@example.invalid", "[init]", "defaultBranch = main"]
    lines += ['[protocol "file"]', "allow = always"]
    (found / ".gitconfig").write_text("\n".join(lines) + "\n")
    return found


@dataclass(frozen=True)
class Repository:
    """A clone at `path`, whose remote `origin` has the URL `URL` and is the bare repository `bare`."""

    path: Path
    bare: Path
    home: Path

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """Run git and return its output."""
        done = subprocess.run(
            ["git", "-C", str(at or self.path), *arguments],
            env=environment(self.home),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(self, message: str = "Work") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def pushed(self, branch: str = "main") -> str:
        """Return the commit of `branch` on the remote."""
        return self.git("rev-parse", branch, at=self.bare)

    def files(self, revision: str) -> set[str]:
        """Return the files that a commit of the remote changed."""
        return set(self.git("show", "--format=", "--name-only", revision, at=self.bare).splitlines())


@pytest.fixture
def repository(tmp_path: Path, home: Path) -> Repository:
    """Return a repository with Task Master's files, fully pushed."""
    found = Repository(tmp_path / "shop", tmp_path / "shop.git", home)
    name_remote(found, URL, found.bare)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(found.bare)], check=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(found.path)], check=True)
    found.git("remote", "add", "origin", URL)
    found.write(".taskmaster/tasks/tasks.json", json.dumps(TASKS))
    found.write("README.md", "A shop.\n")
    found.commit("A shop")
    found.git("push", "--quiet", "--set-upstream", "origin", "main")
    return found


def name_remote(repository: Repository, url: str, bare: Path) -> None:
    """Configure git to use `bare` in place of `url`."""
    with (repository.home / ".gitconfig").open("a") as file:
        file.write(f'[url "{bare}"]\ninsteadOf = {url}\n')


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return an installation without a problem."""
    return Bench(monkeypatch)
