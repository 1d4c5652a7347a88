"""What a function loads until it can serve: modules are counted, because each costs time at every cold start.

| function                      | never loads                                                                      |
|-------------------------------|----------------------------------------------------------------------------------|
| any                           | Pub/Sub's, Kubernetes' and telemetry libraries before they are used; clients     |
| any                           | the Markdown parser, before a comment needs it                                   |
| all but github_event          | what asks GitHub, before there is something to ask or to tell                    |
| all but github_event          | a parser of YAML: what they are deployed with is JSON                            |
| github_webhook                | templates, models of runs, other settings, and what reaches the cluster          |
| github_webhook, publishing    | Google's libraries, gRPC, urllib3, where the metadata server tells who asks      |

The counts are of modules beyond functions-framework's own; raise one knowingly.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.support.api import ROOT
from tests.support.google_cloud import serving

MODULES = {
    "submit_docs": 147,
    "submit_code": 147,
    "github_webhook": 105,
    "github_event": 255,
    "reconcile": 170,
    "job_finished": 170,
    "report": 170,
    "sweep": 180,
}
CONFIGURED = {
    "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent",
    "ORCHESTRATOR_QUEUES__URL": "http://127.0.0.1:1",
    "ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS": json.dumps(["of a test"]),
    "ORCHESTRATOR_GITHUB__APP_ID": "1",
    "ORCHESTRATOR_GITHUB__PRIVATE_KEY": "-----BEGIN RSA PRIVATE KEY-----",
}
LIBRARIES = ("kubernetes", "google.cloud", "google.auth", "grpc", "opentelemetry", "mcp", "aiohttp", "jwt")
OURS = ("functions.clients", "functions.local", "functions.bridge")
ASKS_GITHUB = "functions.github.api.client"


PUBLISHING = 12
"""Modules that the first event loads besides; one of them is for the proxy that there is here."""
PUBLISH = """
import functions_framework, json, sys; framework = set(sys.modules)
import functions.main, functions.handlers.github_webhook, functions.serving.dependencies
from functions.events.event import Event
from functions.queues.publisher import connect
from functions.settings.queues import QueueSettings
before = set(sys.modules)
connect(QueueSettings(project="proj-one")).publish("github", Event("1", "/s", "t.v1", "", {}))
print(json.dumps([sorted(set(sys.modules) - framework), sorted(set(sys.modules) - before)]))
"""


@cache
def loaded(target: str) -> list[str]:
    """Modules that the function loads beyond functions-framework's."""
    code = (
        "import functions_framework, json, sys; before = set(sys.modules)\n"
        "import functions.main\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    environ = {**CONFIGURED, "FUNCTION_TARGET": target}
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


@pytest.mark.parametrize("target", MODULES)
def test_nobody_reads_markdown_before_a_comment_needs_it(target: str) -> None:
    assert within(loaded(target), "markdown_it") == []


@pytest.mark.parametrize("target", sorted(MODULES.keys() - {"github_event"}))
def test_only_the_rules_read_yaml(target: str) -> None:
    assert within(loaded(target), "yaml") == []


@pytest.mark.parametrize("target", sorted(MODULES.keys() - {"github_event"}))
def test_only_who_asks_github_loads_what_asks_it(target: str) -> None:
    assert within(loaded(target), ASKS_GITHUB) == []


def test_the_webhook_loads_nothing_about_runs() -> None:
    others = "functions.settings.model", "functions.settings.agent", "functions.serving.dependencies"
    assert (
        within(loaded("github_webhook"), "jinja2", "functions.templating", "functions.runs.model.specs", *others) == []
    )


def test_the_webhook_loads_nothing_to_reach_the_cluster_with() -> None:
    assert within(loaded("github_webhook"), "urllib3", "functions.cluster.connection") == []


def test_to_publish_on_pubsub_the_webhook_loads_next_to_nothing(tmp_path: Path) -> None:
    """Google's client library takes 500 modules, a quarter of a second and 40 MB."""
    with serving(tmp_path) as cloud:
        environ = {**cloud.environ, "ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent"}
        done = subprocess.run(
            [sys.executable, "-c", PUBLISH],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert [each.authorization for each in cloud.published] == ["Bearer secret-1"]
    every, more = json.loads(done.stdout)
    assert within(every, *LIBRARIES, *OURS, "google", "urllib3", "requests") == []
    assert len(more) <= PUBLISHING, more
