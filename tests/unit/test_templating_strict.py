"""Unknown names in templates: in every template, one is an error with template, line and name.

Each name of a template is misspelled in a copy of the templates; rendering must then fail and name the place.
"""

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import meta

from functions.templating.engine import environment
from functions.templating.render import AttemptContext, TemplateError, task_files
from tests.support import golden
from tests.support.builders import settings

TEMPLATES = settings().templates
SECTIONS: dict[str, Any] = {
    **golden.SECTIONS,
    "telemetry": {"enabled": True, "otlp_endpoint": "http://otel:4318", "otlp_protocol": "http/protobuf"},
}
OVERRIDE = {"permissions": {"agent_tools_override": True, "allow": ["Bash"], "deny": ["Bash(rm *)"]}}
COMMON: dict[str, Any] = {"workingDirectory": "backend", "repositoryUrl": "https://github.com/acme/shop"}
EVERYTHING: dict[str, Any] = {
    **COMMON,
    "platformRepositoryUrl": "https://github.com/acme/platform",
    "continueSession": True,
    "promptModification": "use tabs",
    "platformBranch": "main",
    "maxTurns": 3,
    "maxCostUsd": 1.5,
    "localTools": "filesystem",
}
_TAG = re.compile(r"{[{%].*?[}%]}", re.DOTALL)


def names_of(template: Path) -> list[str]:
    return sorted(meta.find_undeclared_variables(environment(TEMPLATES).parse(template.read_text())) - {"refuse", "_"})


EVERY = [
    (path.relative_to(TEMPLATES).as_posix(), name)
    for path in sorted(TEMPLATES.rglob("*.j2"))
    for name in names_of(path)
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(TEMPLATES, tmp_path_factory.mktemp("templates") / "t"))


def misspelled(source: str, name: str) -> str:
    return _TAG.sub(lambda tag: re.sub(rf"(?<![\w.\"]){name}(?![\w\"(])", f"{name}_typo", tag[0]), source)


def attempts(template: str) -> Iterator[AttemptContext]:
    """Yield attempts that together use every name of `template`."""
    first = template.split("/")[0]
    clis = [first] if first in golden.MODELS else list(golden.MODELS)
    kinds = [kind for kind in ("code", "docs") if f"/{kind}/" in template] or ["code", "docs"]
    for cli, kind, identity in itertools.product(clis, kinds, golden.IDENTITIES.values()):
        changes = {key: value for key, value in EVERYTHING.items() if cli == "claude" or not key.startswith("max")}
        yield golden.make_task(cli, kind, retry=True, **identity, **(changes if kind == "code" else COMMON))
        if kind == "code":
            yield golden.make_task(cli, kind, **identity, taskId=None, task={"title": "Mend it", "text": "Now."})


def failure(templates: Path, template: str) -> TemplateError | None:
    """Return the first error of rendering any of the template's attempts, with all optional settings on."""
    for task, override in itertools.product(attempts(template), ({}, OVERRIDE)):
        try:
            task_files(task, settings(templates=str(templates), **SECTIONS, **override))
        except TemplateError as error:
            return error
    return None


@pytest.mark.parametrize(("template", "name"), EVERY)
def test_an_unknown_name_is_an_error_with_template_and_line(copy: Path, template: str, name: str) -> None:
    path, source = copy / template, (TEMPLATES / template).read_text()
    broken = misspelled(source, name)
    assert broken != source
    try:
        path.write_text(broken)
        error = failure(copy, template)
    finally:
        path.write_text(source)
    assert error, f"no attempt renders {name}"
    assert (error.template, error.message) == (template, f"'{name}_typo' is undefined")
    assert error.line
    assert f"{name}_typo" in broken.splitlines()[error.line - 1] or is_kept_first(broken, name)


def is_kept_first(source: str, name: str) -> bool:
    """Return whether a `set` keeps the name's value, so that the error's line is that of its use."""
    return any(f"{name}_typo" in tag for tag in re.findall(r"{% set .*?%}", source, re.DOTALL))


def test_the_copy_renders_without_a_misspelling(copy: Path) -> None:
    for template in ("claude/parts/agent.sh.j2", "codex/parts/agent.sh.j2"):
        assert failure(copy, template) is None
