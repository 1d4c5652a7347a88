"""MCP tools with real parts: the image's mcp-client between a tool server (MCP SDK) and each agent CLI."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent import model_server, responses_server
from tests.agent.conftest import PARTS, SpecFactory
from tests.agent.world import World, at, plain_settings

ROOT = Path(__file__).parents[2]
CLAUDE_MODEL = "claude-sonnet-4-5-20250929"


@pytest.fixture(scope="session")
def node(program: Callable[[str, str], str]) -> str:
    program(str(PARTS / "mcp-server-filesystem"), "make parts, with npm installed")
    return program("node", "node 20 or newer (Debian: apt-get install nodejs)")


@pytest.fixture(scope="session")
def image(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the programs on the image's PATH."""
    home = tmp_path_factory.mktemp("image")
    (home / "node_modules").symlink_to(PARTS.parent)
    for source in (ROOT / "infra/images/agent/mcp-client.mjs", ROOT / "tests/agent/tool_server.mjs"):
        shutil.copy(source, home)
    (home / "bin").mkdir()
    (home / "bin/mcp-client").symlink_to(home / "mcp-client.mjs")
    (home / "mcp-client.mjs").chmod(0o755)
    for name in ("codex", "claude", "mcp-server-filesystem"):
        (home / "bin" / name).symlink_to(PARTS / name)
    return home


@pytest.fixture
def tool_server(node: str, image: Path) -> Iterator[str]:
    """Yield the URL of a real tool server."""
    command = [node, str(image / "tool_server.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/mcp"
        process.kill()


def run_codex(world: World, image: Path, spec: Any, tools: str, *turns: Any) -> responses_server.Responses:
    with responses_server.serving(*turns) as model:
        path = f"{image}/bin:{world.environ(world.path, 0)['PATH']}"
        environ: dict[str, Any] = {
            "AGENT_COMMAND": "",
            "PATH": path,
        }
        settings = plain_settings(tools={"server_url": tools}, **at(model.url))
        world.pod(world.task(spec), settings=settings, **environ).run()
    return model


def run_claude(world: World, image: Path, spec: Any, tools: str, *turns: Any) -> model_server.Model:
    with model_server.serving(model_server.Model(turns)) as model:
        path = f"{image}/bin:{world.environ(world.path, 0)['PATH']}"
        environ: dict[str, Any] = {"AGENT_COMMAND": "claude", "PATH": path}
        settings = plain_settings(tools={"server_url": tools}, **at(model.url))
        world.pod(world.task(spec), settings=settings, **environ).run()
    return model


def mcp_tools(world: World) -> set[str]:
    """Return the MCP tools that Claude Code lists in the first line of its stream."""
    lines = [json.loads(line) for line in world.pods[-1].log.splitlines() if line.startswith("{")]
    return {name for name in lines[0]["tools"] if name.startswith("mcp__")}


def test_claude_code_gets_the_listed_tools(world: World, image: Path, tool_server: str, code_spec: SpecFactory) -> None:
    spec = code_spec(model=CLAUDE_MODEL, remoteTools="memory_query,no_such_tool", localTools="filesystem")
    turns = (
        model_server.uses("mcp__tools__memory_query"),
        model_server.uses("mcp__filesystem__list_allowed_directories"),
        model_server.says("NO_CHANGES: only looked"),
    )
    model = run_claude(world, image, spec, tool_server, *turns)
    results = json.dumps(model.tool_results())
    assert "memory_query answered" in results
    assert str(world.path / "workspace") in results
    assert {name for name in mcp_tools(world) if "__tools__" in name} == {"mcp__tools__memory_query"}


def test_codex_gets_the_listed_tools(world: World, image: Path, tool_server: str, code_spec: SpecFactory) -> None:
    spec = code_spec(agentCli="codex", model="gpt-5.1-codex", toolConfig="advanced")
    turns = (
        responses_server.calls("memory_query", "mcp__tools"),
        responses_server.calls("list_allowed_directories", "mcp__filesystem"),
        responses_server.says("NO_CHANGES: only looked"),
    )
    model = run_codex(world, image, spec, tool_server, *turns)
    first, second = model.outputs()
    assert "memory_query answered" in first
    assert str(world.path / "workspace") in second
    spaces = {tool["name"]: tool for tool in model.requests[0]["tools"] if tool["type"] == "namespace"}
    assert {tool["name"] for tool in spaces["mcp__tools"]["tools"]} == {"memory_query", "docs_query"}


def test_minimal_has_no_tools_in_claude_code(
    world: World, image: Path, tool_server: str, code_spec: SpecFactory
) -> None:
    spec = code_spec(model=CLAUDE_MODEL, toolConfig="minimal")
    run_claude(world, image, spec, tool_server, model_server.says("NO_CHANGES: looked"))
    assert mcp_tools(world) == set()


def test_minimal_has_no_tools_in_codex(world: World, image: Path, tool_server: str, code_spec: SpecFactory) -> None:
    spec = code_spec(agentCli="codex", model="gpt-5.1-codex", toolConfig="minimal")
    model = run_codex(world, image, spec, tool_server, responses_server.says("NO_CHANGES: looked"))
    assert "mcp__" not in json.dumps(model.requests[0]["tools"])


def test_agent_works_when_its_tool_server_is_unreachable(world: World, image: Path, code_spec: SpecFactory) -> None:
    nowhere = "http://127.0.0.1:9/mcp"
    spec = code_spec(model=CLAUDE_MODEL)
    run_claude(world, image, spec, nowhere, model_server.says("NO_CHANGES: looked"))
    assert mcp_tools(world) == set()
    assert "succeeded: NoChanges" in world.pods[0].log


@pytest.mark.parametrize("text", ["", "{}", '{"server": "", "tools": []}', '{"server": "http://x", "tools": "a"}'])
def test_invalid_client_configuration_is_named(image: Path, node: str, tmp_path: Path, text: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/client-config.json").write_text(text)
    environ = {"PATH": os.environ["PATH"], "POD_ROOT": str(tmp_path)}
    done = subprocess.run(
        [image / "bin/mcp-client"], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert "client-config.json: " in done.stderr
    assert done.stdout == ""
