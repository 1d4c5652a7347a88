"""The JSON files for Claude Code match its documented schema.

Claude Code silently ignores a managed settings file it cannot read and keys it does not know; a misspelled key would
disable a rule. The schema below is the part of the published one that the templates use, and closed: an unknown key
is an error. Sources: json.schemastore.org/claude-code-settings.json; code.claude.com/docs/en/settings, hooks, mcp and
env-vars.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from functions.broker.configuration import Configuration
from functions.templating.render import task_files
from tests.support import golden
from tests.support.builders import settings
from tests.unit.test_templating_settings import DEFAULT_ALLOW, DEFAULT_DENY

TOOLS = (*DEFAULT_ALLOW, *(rule for rule in DEFAULT_DENY if "(" not in rule))
"""The tools of the installed CLI; tests/world/test_templates.py compares them."""

RULES = {"type": "array", "items": {"type": "string", "pattern": rf"^(({'|'.join(TOOLS)})(\([^)]+\))?|mcp__.*)$"}}
SWITCH = {"enum": ["0", "1"]}
PROTOCOL = {"enum": ["grpc", "http/json", "http/protobuf"]}
HOOK = {
    "type": "object",
    "required": ["type", "command"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "command"},
        "command": {"type": "string", "minLength": 1},
        "timeout": {"type": "number", "exclusiveMinimum": 0},
    },
}
MATCHER = {
    "type": "object",
    "required": ["hooks"],
    "additionalProperties": False,
    "properties": {"matcher": {"type": "string"}, "hooks": {"type": "array", "items": HOOK}},
}
ENV = {
    "DISABLE_AUTOUPDATER": SWITCH,
    "BASH_DEFAULT_TIMEOUT_MS": {"type": "string", "pattern": "^[1-9][0-9]+$"},
    "BASH_MAX_TIMEOUT_MS": {"type": "string", "pattern": "^[1-9][0-9]+$"},
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": SWITCH,
    "CLAUDE_CODE_ENABLE_TELEMETRY": SWITCH,
    "OTEL_METRICS_EXPORTER": {"enum": ["otlp", "prometheus", "console", "none"]},
    "OTEL_LOGS_EXPORTER": {"enum": ["otlp", "console", "none"]},
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": {"type": "string"},
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": PROTOCOL,
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": {"type": "string"},
    "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": PROTOCOL,
    "OTEL_RESOURCE_ATTRIBUTES": {"type": "string", "pattern": r"^[^ ,=]+=[^ ,;\\\"]+(,[^ ,=]+=[^ ,;\\\"]+)*$"},
}
SETTINGS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model", "permissions", "hooks", "env"],
    "properties": {
        "model": {"type": "string", "pattern": "claude|^(opus|sonnet|haiku)$"},
        "permissions": {
            "type": "object",
            "required": ["allow", "deny", "defaultMode"],
            "additionalProperties": False,
            "properties": {
                "allow": RULES,
                "deny": RULES,
                "defaultMode": {"enum": ["acceptEdits", "bypassPermissions", "default", "dontAsk", "plan"]},
            },
        },
        "attribution": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"commit": {"type": "string"}, "pr": {"type": "string"}},
        },
        "allowManagedHooksOnly": {"type": "boolean"},
        "enableAllProjectMcpServers": {"type": "boolean"},
        "env": {"type": "object", "additionalProperties": False, "properties": ENV},
        "hooks": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                event: {"type": "array", "items": MATCHER}
                for event in ("SessionStart", "PreToolUse", "PermissionRequest", "PostToolUse", "Stop")
            },
        },
    },
}
SERVER = {
    "type": "object",
    "required": ["command"],
    "additionalProperties": False,
    "properties": {"command": {"type": "string"}, "args": {"type": "array", "items": {"type": "string"}}},
}
MCP = {
    "type": "object",
    "required": ["mcpServers"],
    "additionalProperties": False,
    "properties": {
        "mcpServers": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},
            "additionalProperties": SERVER,
        }
    },
}
CLIENT = {
    "type": "object",
    "required": ["server", "tools"],
    "additionalProperties": False,
    "properties": {"server": {"type": "string"}, "tools": {"type": "array", "items": {"type": "string"}}},
}
SCHEMAS = {
    "settings.json": SETTINGS,
    "mcp.json": MCP,
    "client-config.json": CLIENT,
    "broker.json": Configuration.model_json_schema(),
}

TELEMETRY = {"enabled": True, "otlp_endpoint": "http://otel:4317", "logs_protocol": "http/json"}
SECTIONS: list[dict[str, Any]] = [
    {},
    {**golden.SECTIONS},
    {**golden.SECTIONS, "telemetry": TELEMETRY},
    {"permissions": {"agent_tools_override": True, "allow": ["Read"], "deny": ["Bash(rm *)"]}},
]


def documents(cli: str) -> Iterator[tuple[str, str]]:
    """Yield key and text of every JSON task file of an agent CLI, for all kinds of attempts and settings."""
    cases = [case for kind in ("docs", "code") for case in golden.cases(cli, kind)]
    for case, sections in itertools.product(cases, SECTIONS if cli == "claude" else SECTIONS[:3]):
        found = task_files(case.task, settings(**sections)).files
        yield from ((key, text) for key, text in found.items() if key.endswith(".json"))


@pytest.mark.parametrize("cli", golden.MODELS)
def test_every_json_file_parses_to_an_object(cli: str) -> None:
    found = set(documents(cli))
    assert {key for key, _ in found} == {"claude": set(SCHEMAS), "codex": set(SCHEMAS) - {"mcp.json"}}[cli]
    assert all(isinstance(json.loads(text), dict) for _, text in found)


def test_every_key_is_in_the_claude_code_schema() -> None:
    for key, text in set(documents("claude")):
        errors = [error.message for error in Draft202012Validator(SCHEMAS[key]).iter_errors(json.loads(text))]
        assert errors == [], key


@pytest.mark.parametrize(
    "wrong",
    [
        {"hook": {}},
        {"permissions": {"allow": [], "deny": ["Bush"], "defaultMode": "acceptEdits"}},
        {"permissions": {"allow": [], "denied": [], "defaultMode": "acceptEdits"}},
        {"hooks": {"Stopp": []}},
        {"env": {"OTEL_LOG_EXPORTER": "otlp"}},
    ],
)
def test_the_schema_rejects_a_misspelled_key(wrong: dict[str, Any]) -> None:
    good = json.loads(next(text for key, text in documents("claude") if key == "settings.json"))
    assert Draft202012Validator(SETTINGS).is_valid(good)
    assert not Draft202012Validator(SETTINGS).is_valid(good | wrong)
