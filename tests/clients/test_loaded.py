"""What a command loads before it has answered: modules are counted, because each is time that its person waits for.

| command          | besides a Click command with one option, it never loads                             |
|------------------|-------------------------------------------------------------------------------------|
| any              | templates, servers, the MCP SDK                                                     |
| all but runs     | the `kubernetes` package, Google's libraries                                        |
| --help           | pydantic, what only commands need                                                   |
| task code, docs  | pydantic, the models, the settings, urllib3, YAML; other commands                   |
| task code        | what starts git, or goes through a proxy, where it is given all that it asks for    |
| runs list        | models of runs: a list shows them as they are stored                                |
| orchestrator-mcp | Click, the settings, what talks to the cluster or to the functions                  |

The counts are of modules beyond those of that Click command, or beyond the MCP SDK's; raise one knowingly.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clients.canned_server import scripted
from tests.clients.conftest import URL, Functions, Repository, environment
from tests.clients.place import Place, ended

PROGRAMS = (
    "jinja2", "mcp", "starlette", "uvicorn", "functions_framework",
    "functions.handlers", "functions.templating", "functions.local.dev", "functions.local.apiserver",
)  # fmt: skip
"""What other programs consist of."""
LARGE = (
    *PROGRAMS, "kubernetes", "google.auth", "google.oauth2", "google.cloud.pubsub_v1", "grpc", "aiohttp", "requests",
    "opentelemetry", "rich",
)  # fmt: skip
PLAIN = (
    "--repository-url", URL, "--platform-repository-url", URL, "--github-user", "octocat", "--branch", "main",
)  # fmt: skip
SETTINGS = ("pydantic", "functions.settings", "yaml", "urllib3", "functions.cluster")
UNUSED = (
    "subprocess",
    "pathlib",
    "tempfile",
    "urllib.request",
    "functions.clients.runs",
    "functions.clients.dead_letters",
)
MODELS = ("functions.runs.model.run", "functions.runs.model.specs", "functions.runs.model.status")
ANSWER: Any = (
    201,
    {"success": True, "data": {"name": "r", "namespace": "n", "kind": "CodeRun", "uid": "u", "phase": "Pending"}},
    {},
)
COMMAND = """
import json, sys
import click

@click.command()
@click.option("-n", "--name", default="")
def nothing(name: str) -> None:
    pass

nothing.main({baseline}, standalone_mode=False)
before = set(sys.modules)
from functions.clients.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(set(sys.modules) - before)]), file=sys.stderr)
"""
SERVER = """
import json, sys
import mcp.server.stdio, mcp.server.lowlevel
before = set(sys.modules)
import functions.clients.mcp.server
print(json.dumps([0, sorted(set(sys.modules) - before)]), file=sys.stderr)
"""


def loaded(program: str, *arguments: str, cwd: Path, environ: Mapping[str, str]) -> list[str]:
    """Modules that it loads beyond the baseline's."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100
    )
    code, found = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return list(found)


def within(names: list[str], *packages: str) -> list[str]:
    return [name for name in names if any(name == each or name.startswith(f"{each}.") for each in packages)]


def check(found: list[str], most: int, *never: str) -> None:
    assert within(found, *LARGE, *never) == []
    assert len(found) <= most, f"{len(found)} modules: {found}"


WITH_OPTION, HELP = COMMAND.format(baseline=["-n", "x"]), COMMAND.format(baseline=["--help"])


def test_help(home: Path) -> None:
    check(loaded(HELP, "--help", cwd=home, environ=environment(home)), 34, *SETTINGS, *MODELS)


def test_task_code(home: Path) -> None:
    with scripted(ANSWER) as server:
        environ = {**environment(home), "ORCHESTRATOR_API_URL": server.url}
        found = loaded(WITH_OPTION, "task", "code", "3", "-s", "shop", *PLAIN, cwd=home, environ=environ)
    assert len(server.asked) == 1
    check(found, 72, *SETTINGS, *MODELS, *UNUSED, "functions.clients.tasks.docs")


def test_task_docs(repository: Repository) -> None:
    with scripted(ANSWER) as server:
        environ = {**environment(repository.home), "ORCHESTRATOR_API_URL": server.url}
        found = loaded(WITH_OPTION, "task", "docs", cwd=repository.path, environ=environ)
    assert len(server.asked) == 1
    check(found, 82, *SETTINGS, *MODELS, "functions.clients.tasks.code", "functions.clients.runs")


@pytest.mark.parametrize(
    ("arguments", "never"),
    [(["list"], MODELS), (["list", "-o", "json"], MODELS), (["get", "api-1"], ()), (["watch", "api-1"], ())],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_runs(functions: Functions, place: Place, home: Path, arguments: list[str], never: tuple[str, ...]) -> None:
    place.put("api-1", status=ended("Succeeded", "Completed"))
    cluster = {"KUBECONFIG": str(functions.kubeconfig), "ORCHESTRATOR_NAMESPACE": place.name}
    found = loaded(WITH_OPTION, "runs", *arguments, cwd=home, environ={**environment(home), **cluster})
    assert within(found, *PROGRAMS, "functions.clients.tasks.request", *never) == []


def test_the_mcp_server(environ: dict[str, str], home: Path) -> None:
    found = loaded(SERVER, cwd=home, environ=environ)
    assert within(found, "click", "urllib3", "http.client", "functions.settings", "functions.cluster") == []
    check(found, 66)
