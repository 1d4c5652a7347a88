"""Templates that are compiled when the image is built."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment

from functions.templating import engine
from functions.templating.compile import compile_templates
from functions.templating.render import task_files
from tests.support import golden
from tests.support.api import ROOT
from tests.support.builders import settings


@pytest.fixture
def templates(tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(ROOT / "templates", tmp_path / "templates", ignore=shutil.ignore_patterns(engine.COMPILED))
    yield tmp_path / "templates"
    (tmp_path / "templates").chmod(0o755)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the templates that this process compiles."""
    names: list[str] = []
    compile_one = Environment._generate

    def generate(self: Environment, source: object, name: str, *rest: object, **options: object) -> object:
        names.append(name)
        return compile_one(self, source, name, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Environment, "_generate", generate)
    return names


def rendered(templates: Path) -> dict[str, str]:
    """Return the files that a process renders after a fresh start."""
    engine.environment.cache_clear()
    return dict(task_files(golden.make_task("claude", "code"), settings(templates=templates)).files)


def test_templates_compiled_in_the_image_are_not_compiled_again(templates: Path, compiled: list[str]) -> None:
    expected = rendered(templates)
    used = set(compiled)
    assert len(used) > 10
    assert compile_templates(templates) == len(list(templates.rglob("*.j2")))
    compiled.clear()
    assert rendered(templates) == expected
    assert compiled == []


def test_an_edited_template_is_compiled_again_at_once(templates: Path, compiled: list[str]) -> None:
    compile_templates(templates)
    compiled.clear()
    before = rendered(templates)["prompt.md"]
    part = templates / "shared/parts/code-prompt.md.j2"
    part.write_text(part.read_text() + "one more line\n")
    assert rendered(templates)["prompt.md"] != before
    assert compiled == ["shared/parts/code-prompt.md.j2"]


@pytest.mark.parametrize("state", ["missing", "empty", "damaged", "read-only"])
def test_a_process_needs_no_compiled_template_and_writes_none(templates: Path, state: str) -> None:
    expected = rendered(templates)
    folder = templates / engine.COMPILED
    assert not folder.exists()
    if state in ("damaged", "read-only"):
        compile_templates(templates)
    if state == "damaged":
        for file in folder.iterdir():
            file.write_bytes(file.read_bytes()[:100])
    if state == "empty":
        folder.mkdir()
    if state == "read-only":
        shutil.rmtree(folder)
        folder.mkdir(mode=0o555)
    before = {path: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
    assert rendered(templates) == expected
    assert {path: path.read_bytes() for path in folder.glob("*")} == before


def command(templates: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "functions.templating.compile", templates],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_compiles_a_directory(templates: Path, compiled: list[str]) -> None:
    done = command(templates)
    assert (done.returncode, done.stderr) == (0, "")
    rendered(templates)
    assert compiled == []


def test_the_command_names_a_malformed_template(templates: Path) -> None:
    (templates / "shared" / "broken.sh.j2").write_text("\n{% if %}")
    done = command(templates)
    assert done.returncode == 1
    assert done.stderr.startswith("template shared/broken.sh.j2, line 2: ")


def test_an_error_in_a_compiled_template_still_names_its_line(templates: Path) -> None:
    (templates / "claude/code/probe.txt.j2").write_text("one\ntwo {{ nothing }}\n")
    compile_templates(templates)
    with pytest.raises(engine.TemplateError, match=r"template claude/code/probe\.txt\.j2, line 2: 'nothing' is undef"):
        rendered(templates)
