"""The rendered templates equal the golden files of `tests/golden`: {claude, codex} x {docs, code} x
{user, rex, cleo, tess, blaze} x presets x {first attempt, retry}.

A change of a template changes its golden files: run `make golden` and review the difference.
"""

import pytest

from tests.support import golden
from tests.support.builders import settings

FOUND = dict(golden.goldens())


@pytest.mark.parametrize("path", sorted(FOUND))
def test_a_rendered_template_equals_its_golden_file(path: str) -> None:
    file = golden.DIRECTORY / path
    assert file.is_file(), f"{path} does not exist; run `make golden` and review the new file"
    assert FOUND[path] == file.read_text(), "review the difference; if intended, run `make golden` and commit it"


def test_every_golden_file_is_still_rendered() -> None:
    there = {path.relative_to(golden.DIRECTORY).as_posix() for path in golden.DIRECTORY.rglob("*") if path.is_file()}
    assert there == set(FOUND)


def test_every_agent_has_its_own_memory_and_prompt() -> None:
    texts = golden.rendered("claude", "code", settings(**golden.SECTIONS))
    for key in ("CLAUDE.md", "prompt.md"):
        found = {text for case, text in texts[key].items() if case.preset == "default" and not case.retry}
        assert len(found) == len(golden.IDENTITIES), f"each agent, and a user, has a different {key}"
