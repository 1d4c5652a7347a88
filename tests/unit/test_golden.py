"""What every template comes out as, held by the golden files of `tests/golden`: {claude, codex} x {docs, code} x
{user, rex, cleo, tess, blaze} x presets x {first attempt, retry}.

A change of a template shows as a change of its goldens: look at it, then `make golden`.
"""

import pytest

from tests.support import golden
from tests.support.builders import settings

FOUND = dict(golden.goldens())


@pytest.mark.parametrize("path", sorted(FOUND))
def test_a_template_comes_out_as_its_golden_says(path: str) -> None:
    file = golden.DIRECTORY / path
    assert file.is_file(), f"a new task file: look at it with `make golden`; {path} does not exist"
    assert FOUND[path] == file.read_text(), "look at the difference; if it is meant, `make golden` and commit it"


def test_no_golden_is_left_of_what_is_no_more() -> None:
    there = {path.relative_to(golden.DIRECTORY).as_posix() for path in golden.DIRECTORY.rglob("*") if path.is_file()}
    assert there == set(FOUND)


def test_an_agent_differs_from_the_others_where_it_should() -> None:
    texts = golden.rendered("claude", "code", settings(**golden.SECTIONS))
    for key in ("CLAUDE.md", "prompt.md"):
        found = {text for case, text in texts[key].items() if case.preset == "default" and not case.retry}
        assert len(found) == len(golden.IDENTITIES), f"each agent, and no agent, has its own {key}"
