"""The imports of a command: its own parts, and nothing of other commands, functions or servers.

| command          | never imports                                                        |
|------------------|----------------------------------------------------------------------|
| --help           | any command's parts: Kubernetes client, models, settings             |
| task code, docs  | functions, servers, the MCP SDK, the commands of `runs`              |
| runs list        | functions, servers, the MCP SDK, the commands of `task`              |
| orchestrator-mcp | functions, servers, the command line                                 |
| the broker       | functions, the Kubernetes client, the model of all settings          |
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clients.conftest import environment

OURS = ("functions.app", "functions.handlers", "functions.reconciler", "functions.local", "functions.bridge")
OTHERS = (*OURS, "functions_framework", "uvicorn", "starlette")
"""Parts that no client needs; the MCP SDK loads the last two."""

COMMAND = """
import json, sys
from functions.clients.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""
SERVER = """
import json, sys
import functions.clients.mcp.server
print(json.dumps([0, sorted(sys.modules)]), file=sys.stderr)
"""


BROKER = """
import json, sys
import functions.broker.__main__
print(json.dumps([0, sorted(sys.modules)]), file=sys.stderr)
"""


def loaded(program: str, *arguments: str, cwd: Path, environ: Mapping[str, str]) -> list[str]:
    """Return the modules that the program has imported when it ends."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100
    )
    _, modules = json.loads(done.stderr.splitlines()[-1])
    return list(modules)


def within(modules: list[str], *packages: str) -> list[str]:
    """Return the modules that belong to one of the packages."""
    return [name for name in modules if any(name == each or name.startswith(f"{each}.") for each in packages)]


def test_help_imports_no_part_of_any_command(home: Path) -> None:
    modules = loaded(COMMAND, "--help", cwd=home, environ=environment(home))
    assert "functions.clients.cli" in modules
    assert within(modules, *OTHERS, "kubernetes", "pydantic", "functions.settings", "functions.runs", "mcp") == []


@pytest.mark.parametrize(
    ("arguments", "own", "foreign"),
    [
        (
            ["task", "code", "--help"],
            "functions.clients.tasks",
            ("functions.clients.commands.runs", "functions.settings.model", "mcp"),
        ),
        (["runs", "list", "--help"], "functions.clients.runs", ("functions.clients.tasks", "mcp")),
    ],
    ids=["task code", "runs list"],
)
def test_a_command_imports_no_other_command(
    home: Path, arguments: list[str], own: str, foreign: tuple[str, ...]
) -> None:
    modules = loaded(COMMAND, *arguments, cwd=home, environ=environment(home))
    assert within(modules, own)
    assert within(modules, *OTHERS, *foreign) == []


def test_the_mcp_server_imports_no_command_line(home: Path) -> None:
    modules = loaded(SERVER, cwd=home, environ=environment(home))
    assert "functions.clients.mcp.server" in modules
    assert within(modules, *OURS, "functions.clients.commands", "functions.clients.cli") == []


def test_the_agents_broker_imports_only_its_own_section_of_the_settings(home: Path) -> None:
    modules = loaded(BROKER, cwd=home, environ=environment(home))
    assert "functions.broker.server" in modules
    assert within(modules, *OURS, "kubernetes", "functions.settings.model") == []
