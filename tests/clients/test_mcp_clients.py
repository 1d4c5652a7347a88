"""The configurations in docs/editors.md, and the real Claude Code with one of them.

page          each client's file is JSON in that client's form, names an existing command, and has no token
Claude Code   starts the server, gets its tools, submits a code run and reads its status, with a scripted model
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.clients.mcp.server import TOOLS
from tests.agent.conftest import PARTS
from tests.agent.model_server import Model, Turn, as_text, says, serving, uses
from tests.clients.conftest import URL, Functions, Repository, environment

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "mcp__orchestrator__"


def configurations() -> dict[str, Any]:
    """Return the JSON blocks of the page by the file that the line before each names."""
    text = (ROOT / "docs" / "editors.md").read_text()
    return {
        file: json.loads(block)
        for file, block in re.findall(r"`(\S*mcp\.json)`[^`]*?(?:`[^`]*`)?:\n\n```json\n(.*?)```", text, re.S)
    }


@pytest.mark.parametrize(
    ("file", "servers"),
    [(".mcp.json", "mcpServers"), (".cursor/mcp.json", "mcpServers"), (".vscode/mcp.json", "servers")],
)
def test_an_editors_configuration_names_an_existing_command(file: str, servers: str) -> None:
    (server,) = configurations()[file][servers].values()
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts[server["command"]].partition(":")
    called = f"import {module}; print(callable({module}.{function}))"
    assert subprocess.check_output([sys.executable, "-c", called], cwd=ROOT, text=True, timeout=60) == "True\n"
    assert server["env"]["ORCHESTRATOR_API_URL"].startswith("https://")
    assert re.fullmatch(r"\$\{.*\}", server["env"]["ORCHESTRATOR_TOKEN"])
    assert ("type" in server) == (file == ".vscode/mcp.json")


class Following(Model):
    """A scripted model whose later calls use the name of the run that its first call created."""

    def answer(self, request: dict[str, Any]) -> Any:
        turn = super().answer(request)
        name = re.search(
            r'"name": ?"(run-[0-9a-f]+)"',
            "".join(as_text(each["content"]) for each in request["messages"]).replace('\\"', '"'),
        )
        if not (name and isinstance(turn, Turn)):
            return turn
        return Turn([json.loads(json.dumps(block).replace("THE_RUN", name.group(1))) for block in turn.blocks])


@pytest.fixture
def claude(program: Callable[[str, str], str]) -> str:
    return program(str(PARTS / "claude"), "make parts, with npm installed")


@pytest.mark.timeout(240)
def test_claude_code_submits_a_run_and_reads_its_status(
    claude: str, functions: Functions, repository: Repository, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "orchestrator-mcp"  # as in an installed package
    command.write_text(
        f"#!{sys.executable}\nimport sys\nfrom functions.clients.mcp.main import main\nsys.exit(main())\n"
    )
    command.chmod(0o755)
    config = configurations()[".mcp.json"]
    config["mcpServers"]["orchestrator"]["env"]["ORCHESTRATOR_API_URL"] = functions.api_url
    (tmp_path / "mcp.json").write_text(json.dumps(config))
    turns = (
        uses(f"{PREFIX}task_code", taskId=2, service="claude"),
        uses(f"{PREFIX}get_run", name="THE_RUN"),
        says("It is on its way."),
    )
    with serving(Following(turns)) as model:
        environ = {
            **environment(home),
            "PATH": f"{tmp_path / 'bin'}:{environment(home)['PATH']}",
            "KUBECONFIG": str(functions.kubeconfig),
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        done = subprocess.run(
            [claude, "-p", "Have task 2 implemented.", "--model", "claude-sonnet-4-5-20250929", "--output-format",
             "stream-json", "--verbose", "--mcp-config", str(tmp_path / "mcp.json"), "--strict-mcp-config",
             "--allowedTools", f"{PREFIX}task_code,{PREFIX}get_run"],
            cwd=repository.path, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {each for each in lines[0]["tools"] if each.startswith(PREFIX)} == {f"{PREFIX}{each.name}" for each in TOOLS}
    assert (lines[-1]["result"], lines[-1]["is_error"], lines[-1]["permission_denials"]) == (
        "It is on its way.",
        False,
        [],
    )
    asked, shown = (as_text(each["content"]) for each in model.tool_results())
    (name,) = [name for name, raw in functions.runs("CodeRun").items() if raw["spec"]["service"] == "claude"]
    spec = functions.runs("CodeRun")[name]["spec"]
    assert (spec["taskId"], spec["repositoryUrl"], spec["githubUser"]) == (2, URL, "octocat")
    assert f"CodeRun {name} is accepted" in asked
    assert f"CodeRun {name}: Pending" in shown
