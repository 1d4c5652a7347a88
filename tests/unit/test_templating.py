"""Rendering: every file of the templates directory is shipped, and errors name template and line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.templating.render import TaskFilesTooLarge, TemplateError
from tests.support.builders import settings
from tests.unit.rendering import render

METACHARACTERS = st.text(st.sampled_from(list("$(){}[]`'\"\\;&|<>*?#%!~^\n\t =+-aé✓{}%")), min_size=1, max_size=80)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a templates directory with one file for code."""
    write(tmp_path, "cli/code/a.txt.j2", "run {{ run }}\n")
    return tmp_path


def write(templates: Path, name: str, text: str) -> None:
    (templates / name).parent.mkdir(parents=True, exist_ok=True)
    (templates / name).write_text(text)


def small_files(templates: Path, **changes: Any) -> dict[str, str]:
    return dict(render(templates=templates, agentCli="cli", **changes).files)


COMMON = {"CLAUDE.md", "prompt.md", "container.sh", "settings.json"}


def test_every_required_task_file_is_shipped() -> None:
    assert set(render("docs").files) >= COMMON | {"hooks-stop-pr-creation.sh"}
    code = {"mcp.json", "client-config.json", "coding-guidelines.md", "github-guidelines.md"}
    assert set(render("code").files) >= COMMON | code | {"hooks-early-test.sh", "hooks-stop-commit.sh"}


def test_template_parts_are_not_shipped(small: Path) -> None:
    write(small, "cli/parts/secret.j2", "x")
    write(small, "cli/code/parts/secret.j2", "x")
    assert set(small_files(small)) == {"a.txt"}


def test_later_directories_override_file_by_file(small: Path) -> None:
    for layer in ("shared", "cli/shared", "cli/code", "cli/agents/rex/code"):
        write(small, f"{layer}/{layer.count('/')}.txt.j2", "own")
        write(small, f"{layer}/all.txt.j2", layer)
    assert small_files(small)["all.txt"] == "cli/agents/rex/code"
    assert set(small_files(small)) == {"a.txt", "all.txt", "0.txt", "1.txt", "3.txt"}
    other = small_files(small, githubApp="5DLabs-Cleo")
    assert other["all.txt"] == "cli/code"
    assert "3.txt" not in other


def test_an_agent_has_its_own_memory() -> None:
    assert "the default implementer" in render("code").files["CLAUDE.md"]
    assert "the default implementer" not in render("code", githubApp="5DLabs-Cleo").files["CLAUDE.md"]


def test_every_hook_file_is_shipped(small: Path) -> None:
    write(small, "cli/code/hooks/stop-x.sh.j2", "#!/bin/sh\n")
    assert set(small_files(small)) == {"a.txt", "hooks-stop-x.sh"}


@pytest.mark.parametrize("kind", ["docs", "code"])
def test_settings_register_exactly_the_shipped_hooks(kind: str) -> None:
    files = render(kind).files
    events = json.loads(files["settings.json"])["hooks"]
    commands = [hook["command"] for groups in events.values() for group in groups for hook in group["hooks"]]
    shipped = [f'"$ORCHESTRATOR_HOOKS"/{key.removeprefix("hooks-")}' for key in files if key.startswith("hooks-")]
    assert sorted(commands) == sorted(shipped)


def test_a_hook_without_a_known_event_is_shipped_unregistered(tmp_path: Path) -> None:
    source = settings().templates
    for path in source.rglob("*.j2"):
        write(tmp_path, str(path.relative_to(source)), path.read_text())
    write(tmp_path, "claude/code/hooks/later-x.sh.j2", "#!/bin/sh\n")
    files = render(templates=tmp_path).files
    assert files["hooks-later-x.sh"] == "#!/bin/sh\n"
    assert "later-x" not in files["settings.json"]


def test_an_unknown_agent_cli_is_named_with_its_directory(small: Path) -> None:
    with pytest.raises(TemplateError, match=r"agentCli codex has no such directory") as caught:
        render(templates=small, agentCli="codex")
    assert "codex/code" in str(caught.value)


@pytest.mark.parametrize(
    "expression", ["{{ servce }}", "{{ servce | sh }}", "{{ servce | json }}", "{% if servce %}{% endif %}"]
)
def test_an_unknown_variable_is_named_with_template_and_line(small: Path, expression: str) -> None:
    write(small, "cli/code/a.txt.j2", f"one\ntwo {expression}\n")
    with pytest.raises(TemplateError) as caught:
        small_files(small)
    assert str(caught.value) == "template cli/code/a.txt.j2, line 2: 'servce' is undefined"


INCLUDES = '{% include "cli/parts/b.j2" %}'


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt.j2", INCLUDES, r"template cli/parts/b\.j2, line 3: 'nothing' is undefined"),
        ("a.txt.j2", '{% include "cli/parts/c.j2" %}', r"no template cli/parts/c\.j2"),
        ("a.txt.j2", "\n{% if %}", r"template cli/code/a\.txt\.j2, line 2"),
        ("a.json.j2", '{"run": {{ run }}}', r"template cli/code/a\.json\.j2: is not JSON once rendered"),
    ],
    ids=["error in a part", "missing part", "broken syntax", "no JSON"],
)
def test_an_error_names_the_template_that_has_it(small: Path, name: str, text: str, words: str) -> None:
    write(small, f"cli/code/{name}", text)
    write(small, "cli/parts/b.j2", "\n\n{{ nothing }}")
    with pytest.raises(TemplateError, match=words):
        small_files(small)


def test_code_only_names_are_errors_in_docs(small: Path) -> None:
    write(small, "cli/docs/a.txt.j2", "{{ task_id }}")
    with pytest.raises(TemplateError, match="'task_id' is undefined"):
        render("docs", templates=small, agentCli="cli")


def test_the_error_for_too_large_task_files_names_the_largest(small: Path) -> None:
    write(small, "cli/code/big.txt.j2", "é" * 600_000)
    with pytest.raises(TaskFilesTooLarge, match=r"the largest is big\.txt with 1200007"):
        small_files(small)


def test_the_checksum_covers_every_used_template(small: Path) -> None:
    def checksum() -> str:
        return render(templates=small, agentCli="cli").checksum

    write(small, "cli/code/b.txt.j2", '{% include "shared/parts/c.j2" %}')
    write(small, "shared/parts/c.j2", "c")
    write(small, "cli/docs/other.txt.j2", "x")
    first = checksum()
    assert len(first) == 64
    write(small, "cli/docs/other.txt.j2", "y")
    assert checksum() == first
    write(small, "shared/parts/c.j2", "C")
    assert checksum() != first


def test_a_changed_template_is_noticed(small: Path) -> None:
    assert small_files(small)["a.txt"] == "run run-1\n"
    write(small, "cli/code/a.txt.j2", "changed: {{ run }}\n")
    assert small_files(small)["a.txt"] == "changed: run-1\n"


@given(METACHARACTERS)
def test_the_prompt_contains_the_prompt_modification_verbatim(words: str) -> None:
    assert words in render(promptModification=words).files["prompt.md"]
    assert render(promptModification=words, promptMode="replace").files["prompt.md"].rstrip("\n") == words.rstrip("\n")


def test_an_appended_prompt_modification_has_a_heading() -> None:
    prompt = render(promptModification="use tabs").files["prompt.md"]
    assert "\n## Further instructions\n\nuse tabs\n" in prompt
    assert "Further instructions" not in render().files["prompt.md"]


def test_replace_without_prompt_modification_keeps_the_prompt() -> None:
    assert render(promptMode="replace").files["prompt.md"] == render().files["prompt.md"]


def test_the_prompt_of_a_retry_names_the_checkpoint() -> None:
    said = "read `.orchestrator/task-3-checkpoint.json`"
    assert said not in render().files["prompt.md"]
    assert said in render(attempt=2).files["prompt.md"]
    assert said in render(contextVersion=2).files["prompt.md"]


def test_task_files_contain_no_html_escapes() -> None:
    files = render(promptModification="a < b && c > 'd'", workingDirectory="a&b").files
    assert not [key for key, text in files.items() if "&lt;" in text or "&amp;" in text or "&#39;" in text]
