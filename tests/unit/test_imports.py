"""The modules that a function or the broker loads before it can serve: none that only others need.

| function                    | never loads                                               |
|-----------------------------|-----------------------------------------------------------|
| any                         | the handler of another function                           |
| any                         | the command line, the MCP server, the local stack, bridge |
| all but sweep, github_event | the packages sweeper and chatops                          |
| github_webhook              | runs' storage, the reconciler, templates                  |
| the broker                  | settings' sources, runs, Google's libraries               |
"""

import json
import subprocess
import sys
from functools import cache

import pytest

from tests.support.api import ROOT
from tests.support.github.app import App

FUNCTIONS = (
    "submit_docs",
    "submit_code",
    "github_webhook",
    "github_event",
    "reconcile",
    "job_finished",
    "report",
    "sweep",
)
CONFIGURED = {
    "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent",
    "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent",
    "ORCHESTRATOR_QUEUES__URL": "http://127.0.0.1:1",
    "ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS": json.dumps(["of a test"]),
    "ORCHESTRATOR_GITHUB__APP_ID": "1",
    "ORCHESTRATOR_GITHUB__PRIVATE_KEY": App().private_key,
}
CLIENTS = ("functions.clients", "functions.local", "functions.bridge", "mcp")
SHARED = {"sweep": ["report"]}
"""The sweep publishes lifecycle events that are overdue."""
ONLY = {"functions.sweeper": "sweep", "functions.chatops": "github_event"}


@cache
def loaded(target: str) -> list[str]:
    """Return the modules that the function loads beyond those of functions-framework."""
    return loaded_by("functions.main", "functions_framework", {**CONFIGURED, "FUNCTION_TARGET": target})


def loaded_by(module: str, before: str, environ: dict[str, str]) -> list[str]:
    """Return the modules that `module` loads beyond those of the module `before`."""
    code = (
        f"import {before}, json, sys; before = set(sys.modules)\n"
        f"import {module}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


def within(names: list[str], *packages: str) -> list[str]:
    return [name for name in names if any(name == each or name.startswith(f"{each}.") for each in packages)]


@pytest.mark.parametrize("target", FUNCTIONS)
def test_a_function_loads_no_handler_of_another(target: str) -> None:
    own = [target, *SHARED.get(target, ())]
    others = [f"functions.handlers.{other}" for other in FUNCTIONS if other not in own]
    assert within(loaded(target), *others) == []
    if not target.startswith("submit_"):
        assert f"functions.handlers.{target}" in loaded(target)


@pytest.mark.parametrize("target", FUNCTIONS)
def test_a_function_loads_no_clients_or_local_stack(target: str) -> None:
    assert within(loaded(target), *CLIENTS) == []


@pytest.mark.parametrize("target", FUNCTIONS)
def test_a_package_of_one_function_is_loaded_by_no_other(target: str) -> None:
    assert within(loaded(target), *(room for room, owner in ONLY.items() if owner != target)) == []


def test_the_webhook_loads_nothing_about_runs() -> None:
    rooms = ("storage", "reconciler", "submission", "reporting", "templating", "manifests")
    assert within(loaded("github_webhook"), *(f"functions.{room}" for room in rooms)) == []


def test_the_broker_loads_nothing_that_only_functions_need() -> None:
    names = loaded_by("functions.broker.__main__", "functions", {})
    assert "functions.broker.server" in names
    assert within(names, "pydantic_settings", "google", "functions.runs.lifecycle", "functions.runs.model.run") == []
