"""The setting access.callers, as clients see a refusal and as `config check` shows it.

orchestrator task code    each refused field with the allowed values; no hint at a wrong token; exit code 1
task_code over MCP        the same message, as the tool's error
config check              callers in their normal form, and those that no caller can match
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.clients.conftest import URL, CommandLine, Functions, environment, served
from tests.clients.in_process_cli import command

CALLERS = {
    "ci": {"agents": ["rex"], "users": ["octocat"]},
    "cd": {"agents": ["*"], "namespaces": ["elsewhere"]},
}
TOKENS = {"ci": "token-of-ci", "cd": "token-of-cd"}
AUTH = {"ORCHESTRATOR_AUTH__MODE": "bearer", "ORCHESTRATOR_AUTH__TOKENS": json.dumps(TOKENS)}
NOT_TESS = "ci may not use the agent tess; allowed users: octocat; allowed agents: rex"


@pytest.fixture(scope="module")
def submit_code(functions: Functions) -> Iterator[str]:
    """Yield the URL of a function with these callers."""
    access = {"ORCHESTRATOR_ACCESS__CALLERS": json.dumps(CALLERS)}
    with served(functions.child("submit_code", **AUTH, **access)) as urls:
        yield urls["submit_code"]


def test_the_command_line_names_refused_fields_and_allowed_values(
    cli: CommandLine, functions: Functions, submit_code: str
) -> None:
    def ask(name: str, *identity: str) -> Any:
        given = {"ORCHESTRATOR_API_URL": submit_code, "ORCHESTRATOR_TOKEN": TOKENS[name]}
        return cli("task", "code", "1", "-s", "access", "--repository-url", URL, *identity, environ=given)

    refused, elsewhere = ask("ci", "--github-app", "5DLabs-Tess"), ask("cd", "--github-app", "5DLabs-Tess")
    assert [(each.code, each.out) for each in (refused, elsewhere)] == [(1, ""), (1, "")]
    assert "answered 403 (ci may not request this (setting access.callers))" in refused.err
    assert f"  githubApp: {NOT_TESS}" in refused.err.splitlines()
    assert "  namespace: cd may not use the namespace orchestrator; allowed namespaces: elsewhere" in elsewhere.err
    assert "was not accepted" not in refused.err + elsewhere.err
    assert [each for each in functions.runs("CodeRun").values() if each["spec"]["service"] == "access"] == []
    served = ask("ci", "--github-user", "OctoCat")
    assert served.code == 0, served.err


def test_an_mcp_tool_returns_the_same_refusal(home: Path, submit_code: str) -> None:
    asked = {
        "taskId": 1,
        "service": "access",
        "githubApp": "5DLabs-Tess",
        "repositoryUrl": URL,
        "platformRepositoryUrl": URL,
    }
    given = {**environment(home), "ORCHESTRATOR_API_URL": submit_code, "ORCHESTRATOR_TOKEN": TOKENS["ci"]}
    assert f"githubApp: {NOT_TESS}" in anyio.run(called, given, asked)


async def called(environ: Mapping[str, str], arguments: dict[str, Any]) -> str:
    """Return the error of the tool task_code."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "functions.clients.mcp"], env=dict(environ), cwd=environ["HOME"]
    )
    async with Client(server, read_timeout_seconds=60) as client:
        result = await client.call_tool("task_code", arguments)
        (text,) = result.content
        assert result.is_error, text
        return str(getattr(text, "text", ""))


def test_the_configuration_shows_callers_and_impossible_ones(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "agent: {image: registry.example/agent}\nbroker: {image: registry.example/orchestrator}\n"
        "access: {callers: {ci: {agents: [rex]}, 'GitHub:Octocat': {users: ['*']}, ada@example.com: {}}}\n"
    )
    environ = {"ORCHESTRATOR_CONFIG": str(file), **AUTH}
    found = command("config", "check", **environ)
    assert found.code == 1
    assert "setting access.callers: no caller matches ada@example.com with auth.mode bearer" in found.err
    shown = [line.split(maxsplit=1) for line in found.out.splitlines()]
    assert ["access.callers.ci.agents", '["rex"]'] in shown
    assert ["access.callers.github:octocat.users", '["*"]'] in shown
    assert command("config", "check", "-o", "json", ORCHESTRATOR_AGENT__IMAGE="x", ORCHESTRATOR_BROKER__IMAGE="x").json[
        "access"
    ] == {"callers": None}
