"""`orchestrator config check`: the effective settings, without secrets, and every problem at once.

shown     defaults, overridden by the file, overridden by the environment; as table, JSON and YAML
hidden    every secret by its type, and passwords in URLs; in results and in errors
problems  keys, values and files, each by name; templates, kubeconfig, endpoints and API URL are checked too
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from functions.clients.commands.config.check import HIDDEN, visible
from functions.settings.model import Settings
from tests.clients.conftest import CommandLine
from tests.clients.in_process_cli import command

IMAGE = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent", "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent"}

NAMES = {
    "private_key_file",
    "webhook_secret_files",
    "password_file",
    "key_file",
    "api_key_secret_name",
    "api_key_secret_key",
    "secret",
    "key",
    "pull_secrets",
    "secrets",
    "allowed",
    "api_keys",
}
"""Settings with names like secrets that are not: names of Secrets and their keys, and files."""


def test_the_effective_settings_are_shown_as_json_yaml_and_table(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("job: {max_retries: 3, backoff: 7}\nagent: {image: from-file}\nbroker: {image: i}\n")
    environ = {"ORCHESTRATOR_CONFIG": str(file), "ORCHESTRATOR_JOB__BACKOFF": "9"}
    found = cli("config", "check", "-o", "json", environ=environ)
    assert (found.code, found.err) == (0, "")
    assert (found.json["job"]["max_retries"], found.json["job"]["backoff"]) == (3, 9)
    assert (found.json["agent"]["image"], found.json["models"]["docs"]) == ("from-file", "opus")
    assert yaml.safe_load(cli("config", "check", "-o", "yaml", environ=environ).out) == found.json
    table = cli("config", "check", environ=environ).out
    assert ["job.backoff", "9"] in [line.split() for line in table.splitlines()]


def test_additions_to_the_pod_are_shown_and_checked() -> None:
    """Additions are shown as the API server gets them; a clash is named by its setting."""
    pod = {"labels": {"team": "a"}, "tolerations": [{"key": "agents", "toleration_seconds": 5}]}
    found = command("config", "check", "-o", "json", **IMAGE, ORCHESTRATOR_JOB__POD=json.dumps(pod)).json
    assert found["job"]["pod"]["labels"] == {"team": "a"}
    assert found["job"]["pod"]["tolerations"] == [{"key": "agents", "tolerationSeconds": 5}]
    clash = {"volumes": [{"name": "workspace", "emptyDir": {}}]}
    refused = command("config", "check", **IMAGE, ORCHESTRATOR_JOB__POD=json.dumps(clash))
    assert refused.code != 0
    assert "setting job.pod: volumes: workspace is a name of the product's own; choose another" in refused.err


def test_config_check_shows_no_secret() -> None:
    environ = {
        **IMAGE,
        "ORCHESTRATOR_AUTH__MODE": "bearer",
        "ORCHESTRATOR_AUTH__TOKENS": '{"ci": "hunter2"}',
        "ORCHESTRATOR_QUEUES__URL": "http://me:hunter2@queue.example",
        "ORCHESTRATOR_TOKEN": "hunter2",
    }
    for output in ("table", "json", "yaml"):
        found = command("config", "check", "-o", output, **environ)
        assert found.code == 0, found.err
        assert "hunter2" not in found.out + found.err
        assert "ci" in found.out
    assert command("config", "check", "-o", "json", **environ).json["auth"]["tokens"] == {"ci": HIDDEN}


def models(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield path, name and pydantic field of every setting."""
    for name, field in model.model_fields.items():
        yield f"{above}{name}", name, field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from models(field.annotation, f"{above}{name}.")


def test_settings_named_like_secrets_have_a_secret_type() -> None:
    words = ("secret", "token", "password", "key")
    sounding = {path: field for path, name, field in models(Settings) if any(word in name for word in words)}
    assert {"auth.tokens", "github.private_key"} <= sounding.keys()
    shown = [
        path
        for path, field in sounding.items()
        if path.rpartition(".")[2] not in NAMES and field.repr and "SecretStr" not in str((field, field.annotation))
    ]
    assert shown == []


def test_secrets_are_hidden_however_they_are_nested() -> None:
    class Inner(BaseModel):
        one: SecretStr
        many: dict[str, list[SecretStr]]

    class Outer(BaseModel):
        inner: Inner
        empty: SecretStr

    nested = Inner(one=SecretStr("hunter2"), many={"a": [SecretStr("hunter2")]})
    shown = visible(Outer(inner=nested, empty=SecretStr("")))
    assert shown == {"inner": {"one": HIDDEN, "many": {"a": [HIDDEN]}}, "empty": ""}


def test_every_wrong_key_and_value_is_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("job: {max_retries: 99, backof: 1}\nqueues: {project: UPPER}\nnonsense: 1\n")
    refused = command("config", "check", ORCHESTRATOR_CONFIG=str(file), ORCHESTRATOR_AUTH__TOKENS="hunter2")
    assert (refused.code, refused.out) == (1, "")
    named = ["agent.image", "job.max_retries", "job.backof", "queues.project", "nonsense", "auth.tokens"]
    assert [each for each in named if f"setting {each}: " not in refused.err] == []
    assert "hunter2" not in refused.err


@pytest.mark.parametrize(
    ("text", "problem"),
    [("auth: {tokens: {ci: 'hunter2}\n", "is not YAML: line"), ("- hunter2\n", "must hold a mapping")],
)
def test_a_file_that_is_not_yaml_is_named_without_its_text(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    refused = command("config", "check", ORCHESTRATOR_CONFIG=str(file), **IMAGE)
    assert refused.code == 1
    assert f"{file} {problem}" in refused.err
    assert "hunter2" not in refused.err


def test_an_argument_is_not_called_by_the_name_of_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("- a\n")
    refused = command("config", "check", str(file), ORCHESTRATOR_CONFIG="other.yaml", **IMAGE)
    assert (refused.code, refused.err.strip()) == (1, f"orchestrator: {file} must hold a mapping of sections")


def test_impossible_values_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "namespace: Bad NS\n"
        "agent: {image: a b, tag: x y, pull_secrets: [Bad Name]}\n"
        "broker: {image: i}\n"
        "secrets: {api_key_secret_name: '', allowed: [A B]}\n"
        "job: {requests: {cpu: 8, memory: 8Gi}}\n"
        "retention: {succeeded_days: .inf, otherwise_days: 1e+8}\n"
        "limits: {kueue_queue: A B}\n"
        "telemetry: {enabled: true}\n"
        "queues: {url: foo}\n"
        "auth: {mode: bearer, tokens: {ci: ''}}\n"
    )
    refused = command("config", "check", ORCHESTRATOR_CONFIG=str(file))
    assert (refused.code, refused.out) == (1, "")
    named = [
        *("namespace", "agent.image", "agent.tag", "agent.pull_secrets.0"),
        *("secrets.api_key_secret_name", "secrets.allowed.0", "job"),
        *("retention.succeeded_days", "retention.otherwise_days", "limits.kueue_queue"),
        *("telemetry", "queues.url", "auth.tokens"),
    ]
    assert sorted(re.findall(r"setting ([a-z_.0-9]+): ", refused.err)) == sorted(named)


def test_problems_outside_the_settings_are_reported_too(tmp_path: Path) -> None:
    environ = {
        **IMAGE,
        "ORCHESTRATOR_TEMPLATES": str(tmp_path),
        "ORCHESTRATOR_CLUSTER__KUBECONFIG": str(tmp_path / "none"),
        "ORCHESTRATOR_QUEUES__PROJECT": "a-project",
        "ORCHESTRATOR_QUEUES__ENDPOINTS": '{"reconcyle": "https://a.example"}',
        "ORCHESTRATOR_API_URL": "agents.example",
    }
    found = command("config", "check", **environ)
    assert found.code == 1
    for each in ("setting templates", "setting cluster.kubeconfig", "no function reconcyle", "ORCHESTRATOR_API_URL"):
        assert each in found.err
    assert "registry.example/agent" in found.out
