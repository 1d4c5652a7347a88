"""The effect of settings on the rendered JSON files: permissions, telemetry, tools."""

import json
from typing import Any

import pytest

from functions.templating.render import TemplateError, task_files
from tests.support.builders import settings
from tests.unit.rendering import render, task

DEFAULT_ALLOW = [
    "Bash",
    "Edit",
    "ExitWorktree",
    "ListAgents",
    "NotebookEdit",
    "Read",
    "ReportFindings",
    "Skill",
    "Task",
    "TaskStop",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
]
DEFAULT_DENY = [
    "CronCreate",
    "CronDelete",
    "CronList",
    "EnterWorktree",
    "Monitor",
    "ScheduleWakeup",
    "SendMessage",
    "Bash(git push:*)",
]
TOOLS = {"server_url": "https://tools.example/mcp"}


def file(name: str, kind: str = "code", sections: dict[str, Any] | None = None, **changes: Any) -> Any:
    return json.loads(task_files(task(kind, **changes), settings(**sections or {})).files[name])


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_default_permissions_are_rendered(kind: str) -> None:
    assert file("settings.json", kind)["permissions"] == {
        "allow": DEFAULT_ALLOW,
        "deny": DEFAULT_DENY,
        "defaultMode": "acceptEdits",
    }


def test_configured_permissions_replace_the_default() -> None:
    configured = {"agent_tools_override": True, "allow": ["Read"], "deny": ['Bash(rm "*")']}
    found = file("settings.json", sections={"permissions": configured})["permissions"]
    assert found == {"allow": ["Read"], "deny": ['Bash(rm "*")'], "defaultMode": "acceptEdits"}


def test_configured_permissions_need_the_override() -> None:
    found = file("settings.json", sections={"permissions": {"allow": ["Read"]}})
    assert found["permissions"]["allow"] == DEFAULT_ALLOW


def test_settings_have_the_model_verbatim_and_disable_updates() -> None:
    found = file("settings.json", model="claude-opus-4-20250514")
    assert found["model"] == "claude-opus-4-20250514"
    assert found["env"]["DISABLE_AUTOUPDATER"] == "1"
    assert found["attribution"] == {"commit": "", "pr": ""}
    assert found["allowManagedHooksOnly"] is True
    assert not [name for name in found["env"] if name.startswith("OTEL")]


def test_enabled_telemetry_sets_its_environment_variables() -> None:
    telemetry = {
        "enabled": True,
        "otlp_endpoint": "http://otel:4317",
        "logs_endpoint": "http://logs:4318",
        "logs_protocol": "http/protobuf",
    }
    found = file("settings.json", sections={"telemetry": telemetry})["env"]
    assert found["CLAUDE_CODE_ENABLE_TELEMETRY"] == "1"
    assert found["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] == "http://otel:4317"
    assert found["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"] == "grpc"
    assert found["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] == "http://logs:4318"
    assert found["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"] == "http/protobuf"


@pytest.mark.parametrize(
    ("changes", "remote", "local"),
    [
        ({"toolConfig": "minimal"}, [], []),
        ({}, ["brave_web_search", "memory_query", "docs_query"], []),
        ({"toolConfig": "minimal", "remoteTools": "a, b,c"}, ["a", "b", "c"], []),
        ({"remoteTools": "a"}, ["a"], []),
        ({"toolConfig": "minimal", "localTools": "filesystem"}, [], ["filesystem"]),
    ],
)
def test_tools_of_preset_and_run_are_merged(changes: dict[str, str], remote: list[str], local: list[str]) -> None:
    sections = {"tools": TOOLS}
    server = TOOLS["server_url"] if remote else ""
    assert file("client-config.json", sections=sections, **changes) == {"server": server, "tools": remote}
    servers = file("mcp.json", sections=sections, **changes)["mcpServers"]
    assert set(servers) == ({"tools"} if remote else set()) | set(local)
    allowed = file("settings.json", sections=sections, **changes)["permissions"]["allow"]
    assert allowed == [f"mcp__tools__{name}" for name in remote] + [f"mcp__{name}" for name in local] + DEFAULT_ALLOW


def test_the_advanced_preset_has_remote_and_local_tools() -> None:
    found = file("mcp.json", sections={"tools": TOOLS}, toolConfig="advanced")["mcpServers"]
    assert found["tools"] == {"command": "mcp-client", "args": []}
    assert found["filesystem"]["args"] == ["${ORCHESTRATOR_WORKSPACE}"]


def test_without_a_tool_server_remote_tools_are_off() -> None:
    assert file("mcp.json") == {"mcpServers": {}}
    assert file("client-config.json") == {"server": "", "tools": []}
    assert file("settings.json")["permissions"]["allow"] == DEFAULT_ALLOW


def test_an_unknown_local_tool_is_refused() -> None:
    with pytest.raises(
        TemplateError,
        match=r"localTools: there is no local tool browser; the setting tools.local_servers has filesystem",
    ):
        render(localTools="filesystem,browser")


def test_turn_and_cost_limits_are_options_of_the_agent_command() -> None:
    script = render(maxTurns=5, maxCostUsd=1.5).files["container.sh"]
    assert "--max-turns 5\n" in script
    assert "--max-budget-usd 1.5\n" in script
    without = render().files["container.sh"]
    assert "--max-turns" not in without
    assert "--max-budget-usd" not in without
