"""The cache of the templates between two attempts, which notices every change.

Templates compiled at build: test_compiled_templates.
"""

import shutil
from pathlib import Path

import pytest

from functions.templating import template_set
from functions.templating.render import TemplateError, task_files
from tests.support import golden
from tests.support.api import ROOT
from tests.support.builders import settings


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    return tmp_path / "templates"


def rendered(templates: Path) -> dict[str, str]:
    made = task_files(golden.make_task("claude", "code"), settings(templates=templates))
    return {**made.files, "checksum": made.checksum}


def test_an_unchanged_template_set_is_cached(templates: Path) -> None:
    first = template_set.find(templates, "claude", "code", "rex")
    assert template_set.find(templates, "claude", "code", "rex") is first
    assert len(first.names) > 10
    assert template_set.find(templates, "claude", "docs", "rex") is not first


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("claude/agents/rex/code/prompt.md.j2", "prompt.md"),
        ("shared/parts/code-prompt.md.j2", "prompt.md"),
        ("shared/redact.py.j2", "redact.py"),
    ],
)
def test_a_changed_template_is_rendered_in_the_next_attempt(templates: Path, name: str, made: str) -> None:
    before = rendered(templates)
    file = templates / name
    file.write_text(file.read_text() + "one more line\n")
    after = rendered(templates)
    assert "one more line" not in before[made]
    assert "one more line" in after[made]
    assert before["checksum"] != after["checksum"]


def test_added_and_removed_template_files_are_noticed(templates: Path) -> None:
    hook = templates / "claude" / "code" / "hooks" / "stop-once-more.sh.j2"
    override = templates / "claude" / "agents" / "rex" / "code" / "prompt.md.j2"
    before = rendered(templates)
    hook.write_text("#!/bin/sh\n")
    override.unlink()
    after = rendered(templates)
    assert "hooks-stop-once-more.sh" in after.keys() - before.keys()
    assert after["prompt.md"] != before["prompt.md"]
    hook.unlink()
    assert "hooks-stop-once-more.sh" not in rendered(templates)


def test_a_broken_template_is_named_until_it_is_repaired(templates: Path) -> None:
    before, file = rendered(templates), templates / "shared/parts/code-prompt.md.j2"
    good = file.read_text()
    file.write_text("{% if %}")
    for _ in range(2):
        with pytest.raises(TemplateError, match=r"code-prompt\.md\.j2, line 1"):
            rendered(templates)
    file.write_text(good)
    assert rendered(templates) == before
