"""What a function loads until it can serve: modules are counted, because each costs time at every cold start.

| function                      | never loads                                                                      |
|-------------------------------|----------------------------------------------------------------------------------|
| any                           | Pub/Sub's, Kubernetes' and telemetry libraries before they are used; clients     |
| all but github_event          | the Markdown parser                                                              |
| all but github_event          | what asks GitHub, before there is something to ask or to tell                    |
| github_webhook                | templates, models of runs, and what reaches the cluster                          |

The counts are of modules beyond functions-framework's own; raise one knowingly.
"""

import json
import subprocess
import sys
from functools import cache

import pytest

from tests.support.api import ROOT

MODULES = {
    "submit_docs": 147,
    "submit_code": 147,
    "github_webhook": 125,
    "github_event": 325,
    "reconcile": 170,
    "job_finished": 170,
    "report": 170,
    "sweep": 180,
}
HANDLERS = {"submit_docs": "submit", "submit_code": "submit"}
LIBRARIES = ("kubernetes", "google.cloud", "google.auth", "grpc", "opentelemetry", "mcp", "typer", "aiohttp", "jwt")
OURS = ("functions.clients", "functions.local", "functions.bridge")
ASKS_GITHUB = "functions.github.client"


@cache
def loaded(target: str) -> list[str]:
    """Modules that the function loads beyond functions-framework's."""
    code = (
        "import functions_framework, json, sys; before = set(sys.modules)\n"
        f"import functions.main, functions.handlers.{HANDLERS.get(target, target)}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    environ = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


def within(names: list[str], *packages: str) -> list[str]:
    return [name for name in names if any(name == each or name.startswith(f"{each}.") for each in packages)]


@pytest.mark.parametrize("target", MODULES)
def test_a_function_loads_no_more_than_this(target: str) -> None:
    assert len(loaded(target)) <= MODULES[target], f"{len(loaded(target))} modules"


@pytest.mark.parametrize("target", MODULES)
def test_large_libraries_wait_until_they_are_used(target: str) -> None:
    assert within(loaded(target), *LIBRARIES, *OURS) == []


@pytest.mark.parametrize("target", sorted(MODULES.keys() - {"github_event"}))
def test_only_the_rules_read_markdown(target: str) -> None:
    assert within(loaded(target), "markdown_it") == []


@pytest.mark.parametrize("target", sorted(MODULES.keys() - {"github_event"}))
def test_only_who_asks_github_loads_what_asks_it(target: str) -> None:
    assert within(loaded(target), ASKS_GITHUB) == []


def test_the_webhook_loads_nothing_about_runs() -> None:
    assert within(loaded("github_webhook"), "jinja2", "functions.templating", "functions.runs.specs") == []


def test_the_webhook_loads_nothing_to_reach_the_cluster_with() -> None:
    assert within(loaded("github_webhook"), "urllib3", "functions.cluster.connection") == []
