"""CASES A24 to A26, S7, S8, S10: the templates, and the template directories that are refused."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from functions.app import require_settings
from functions.runs.model.api_model import wire
from functions.runs.model.kinds import RunKind
from functions.runs.model.reasons import Reason
from functions.settings.errors import SettingsError
from functions.settings.model import TEMPLATES
from functions.templating import completeness
from functions.templating.render import TemplateError, task_files
from tests.agent.conftest import SpecFactory
from tests.agent.model_server import says
from tests.agent.world import World, plain_settings, result_line
from tests.support import golden
from tests.support.builders import settings
from tests.world.claude_code import ClaudeCode


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """Return a copy of the templates, to be changed by a test."""
    return shutil.copytree(TEMPLATES, tmp_path / "templates")


# The installed CLI


def managed_settings(spec: Any, world: World) -> dict[str, Any]:
    """Return the rendered settings.json."""
    found: dict[str, Any] = json.loads(task_files(world.task(spec), plain_settings()).files["settings.json"])
    return found


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_settings_json_names_every_tool_of_the_installed_cli(
    cli: ClaudeCode, code_spec: SpecFactory, docs_spec: SpecFactory, kind: str
) -> None:
    spec = code_spec(toolConfig="minimal") if kind == "code" else docs_spec()
    managed = managed_settings(spec, cli.world)
    rules = managed["permissions"]
    everything = {"settings.json": json.dumps(managed | {"permissions": {"allow": [], "deny": []}})}
    offered = cli.run(spec, says("NO_CHANGES: looked"), files=everything).init["tools"]
    named = {rule for rule in (*rules["allow"], *rules["deny"]) if "(" not in rule}
    assert set(offered) == named, "add each new tool to tools or denied of settings.json"
    left = cli.run(spec, says("NO_CHANGES: looked"), task={"run": "r2"}).init["tools"]
    assert set(left) <= set(rules["allow"])


def test_commits_have_no_attribution_to_the_cli(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    done = cli.run(code_spec(), says("NO_CHANGES: looked"))
    request = json.dumps(done.model.requests[0])
    assert "Co-Authored-By" not in request
    assert "Generated with" not in request


def old_claude(world: World, version: str) -> str:
    """Return the path of a program `claude` of that version, without the current options."""
    program = world.path / "old/claude"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/bash\n[[ $1 == --version ]] && echo "{version}" && exit 0\n{result_line()}\n')
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("version", ["1.0.128 (Claude Code)", "2.1.266 (Claude Code)", "2.0 (Claude Code)", ""])
def test_unsupported_cli_version_is_named_before_the_agent_starts(
    world: World, code_spec: SpecFactory, version: str
) -> None:
    pod = world.pod(world.task(code_spec()), AGENT_COMMAND=old_claude(world, version))
    result = pod.run()
    assert result.reason is Reason.CONFIGURATION_ERROR
    assert (
        f"has claude {version.split()[0] if version else 'of an unknown version'}; 2.1.267 is the oldest"
        in result.message
    )
    assert "starting the agent" not in pod.log


@pytest.mark.parametrize("version", ["2.1.267 (Claude Code)", "2.1.1000 (Claude Code)", "3.0.0"])
def test_supported_cli_version_is_accepted(world: World, code_spec: SpecFactory, version: str) -> None:
    result = world.pod(world.task(code_spec()), AGENT_COMMAND=old_claude(world, version)).run()
    assert result.reason is Reason.NO_CHANGES


def test_default_models_are_aliases(world: World, code_spec: SpecFactory, docs_spec: SpecFactory) -> None:
    assert (RunKind.DOCS.default_model, RunKind.CODE.default_model) == ("opus", "sonnet")
    assert code_spec(model=RunKind.CODE.default_model).model == "sonnet"


@pytest.mark.parametrize("model", ["gpt-5", "opuss", "sonnet-4", "mistral.mistral-large"])
def test_models_of_other_vendors_are_refused(code_spec: SpecFactory, model: str) -> None:
    with pytest.raises(ValueError, match="must be a model of the agent CLI claude"):
        code_spec(model=model)


# Tools


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"remoteTools": "github_create_issue"}, "remoteTools: there is no tool server: the setting tools.server_url"),
        (
            {"localTools": "bash,git"},
            "localTools: there is no local tool bash; the setting tools.local_servers has filesys",
        ),
    ],
)
@pytest.mark.parametrize("agent_cli", ["claude", "codex"])
def test_tools_that_are_not_configured_are_refused(agent_cli: str, asked: Mapping[str, Any], words: str) -> None:
    with pytest.raises(TemplateError, match=words.replace(".", r"\.")):
        task_files(golden.make_task(agent_cli, "code", **asked), settings())


def test_local_tool_servers_come_from_the_settings(world: World, code_spec: SpecFactory) -> None:
    tools = {"local_servers": {"mine": {"command": "my-server", "args": ["--root", "${ORCHESTRATOR_WORKSPACE}"]}}}
    files = task_files(world.task(code_spec(localTools="mine")), plain_settings(tools=tools)).files
    servers = json.loads(files["mcp.json"])["mcpServers"]
    assert servers == {"mine": {"command": "my-server", "args": ["--root", "${ORCHESTRATOR_WORKSPACE}"]}}


# The directory


def test_bundled_templates_are_complete() -> None:
    assert completeness.problems(TEMPLATES) == []


@pytest.mark.parametrize(
    ("removed", "added", "words"),
    [
        ("claude/code/container.sh.j2", None, "claude/code/container.sh.j2 is missing"),
        ("claude/code/CLAUDE.md.j2", "claude/code/claude.md.j2", "there is claude/code/claude.md.j2"),
        ("claude/docs/prompt.md.j2", "claude/docs/prompt.md", "there is claude/docs/prompt.md: the name must be"),
        ("codex/code/AGENTS.md.j2", "codex/code/Agents.md.J2", "codex/code/AGENTS.md.j2 is missing"),
        ("shared/attempt_report.py.j2", None, "claude/code/attempt_report.py.j2 is missing"),
        (None, "claude/agents/rex/code/claude.md.j2", "claude/agents/rex/code/claude.md.j2 overrides nothing"),
    ],
)
def test_incomplete_template_directory_is_refused_at_start(
    templates: Path, removed: str | None, added: str | None, words: str
) -> None:
    if removed:
        (templates / removed).unlink()
    if added:
        (templates / added).write_text("x\n")
    for target in ("reconcile", "sweep"):
        with pytest.raises(SettingsError) as error:
            require_settings(settings(templates=str(templates)), target)
        assert words in str(error.value)
    require_settings(settings(templates=str(templates)), "submit_code")


@pytest.mark.parametrize("agent_cli", ["claude", "codex"])
def test_hook_file_without_a_known_prefix_is_copied_but_not_registered(templates: Path, agent_cli: str) -> None:
    (templates / agent_cli / "code/hooks/common.sh.j2").write_text("say() { echo said; }\n")
    (templates / agent_cli / "code/hooks/starting.sh.j2").write_text("#!/bin/bash\n")
    files = task_files(golden.make_task(agent_cli, "code"), settings(templates=str(templates))).files
    assert files["hooks-common.sh"] == "say() { echo said; }\n"
    assert "common.sh" not in files["settings.json"]
    assert "starting.sh" not in files["settings.json"]


# Consistent instructions

PERSONAS = ("user", "rex", "cleo", "tess", "blaze")


@pytest.mark.parametrize("retry", [False, True])
@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("agent_cli", ["claude", "codex"])
def test_working_instructions_are_stated_once(agent_cli: str, persona: str, retry: bool) -> None:
    attempt = golden.make_task(agent_cli, "code", retry=retry, **golden.IDENTITIES[persona])
    files = task_files(attempt, settings()).files
    memory = files["CLAUDE.md" if agent_cli == "claude" else "AGENTS.md"]
    assert memory.count("## How you work") == 1
    assert "\n1. " not in files["prompt.md"], "steps belong in the memory file"
    texts = "".join(text for name, text in files.items() if name.endswith(".md"))
    assert texts.count('{"done": ') == 1, "the checkpoint format is stated once"
    assert texts.count("NO_CHANGES:") == 1


def test_task_ids_are_numbers_or_strings(code_spec: SpecFactory) -> None:
    for given, kept in ((3, 3), ("1.2", "1.2"), ("HAM-1", "HAM-1"), ("4a", "4a")):
        assert wire(code_spec(taskId=given))["taskId"] == kept
    for wrong in (0, -1, "", "3", "1.", "a/b", "three", "..", "-x", "x" * 41, "a b", True, 1.5):
        with pytest.raises(ValueError, match=r"Task Master id|valid integer|valid string"):
            code_spec(taskId=wrong)
