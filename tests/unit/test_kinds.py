"""Code distinguishes the kinds of runs only in matches that cover every kind."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.runs.model.kinds import RunKind
from functions.runs.model.reasons import ROWS, FollowUp, Reason, follow_up, row
from functions.runs.model.specs import SPECS

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
FILES = sorted(FUNCTIONS.rglob("*.py"))
SPEC_NAMES = frozenset(spec.__name__ for spec in SPECS.values())
MEMBERS = frozenset(kind.name for kind in RunKind)


def named(pattern: ast.AST) -> Iterator[str]:
    """Yield the spec models and members of RunKind that a case names."""
    for node in ast.walk(pattern):
        if isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name) and node.cls.id in SPEC_NAMES:
            yield node.cls.id
        if isinstance(node, ast.MatchValue) and ast.unparse(node.value).startswith("RunKind."):
            yield ast.unparse(node.value).removeprefix("RunKind.")


def is_exhaustive(match: ast.Match) -> bool:
    """Return whether the match names every kind and ends in `assert_never`, so that a new kind fails mypy here."""
    covered = {name for case in match.cases for name in named(case.pattern)}
    last = "".join(ast.unparse(statement) for statement in match.cases[-1].body)
    return covered in (SPEC_NAMES, MEMBERS) and last.startswith("assert_never(")


def matches(source: str) -> Iterator[ast.Match]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Match) and any(True for case in node.cases for _ in named(case.pattern)):
            yield node


def kinds_in_conditions(source: str) -> Iterator[str]:
    """Yield spec models in isinstance and kinds in comparisons: there `else` would stand for a kind."""
    for node in ast.walk(ast.parse(source)):
        text = ast.unparse(node) if isinstance(node, ast.Call | ast.Compare) else ""
        is_instance = text.startswith("isinstance(") and any(name in text for name in SPEC_NAMES)
        if is_instance or (isinstance(node, ast.Compare) and any(f"RunKind.{name}" in text for name in MEMBERS)):
            yield text


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FUNCTIONS)))
def test_every_match_over_kinds_is_exhaustive_and_no_else_stands_for_a_kind(path: Path) -> None:
    source = path.read_text()
    assert [match.lineno for match in matches(source) if not is_exhaustive(match)] == []
    assert list(kinds_in_conditions(source)) == []


def test_kind_names_are_literals_in_one_module_only() -> None:
    naming = [
        str(path.relative_to(FUNCTIONS))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in set(RunKind)
    ]
    assert set(naming) == {"runs/model/kinds.py"}


@pytest.mark.parametrize(
    "body",
    [
        "match spec:\n case CodeRunSpec():\n  pass\n case _:\n  pass",
        "match spec:\n case CodeRunSpec():\n  pass\n case _:\n  assert_never(spec)",
        "match spec:\n case CodeRunSpec():\n  pass\n case DocsRunSpec():\n  pass\n case _:\n  pass",
        "match kind:\n case RunKind.DOCS:\n  pass\n case _:\n  assert_never(kind)",
    ],
)
def test_a_match_without_every_kind_is_detected(body: str) -> None:
    (match,) = matches(body)
    assert not is_exhaustive(match)


def test_kinds_and_spec_models_correspond() -> None:
    assert {kind: spec.kind for kind, spec in SPECS.items()} == {kind: kind for kind in RunKind}


def test_every_reason_has_a_row() -> None:
    assert set(ROWS) == set(Reason)


def test_every_reason_that_waits_for_a_fix_has_a_remedy() -> None:
    assert [reason for reason in Reason if follow_up(reason) is FollowUp.WAIT_FOR_FIX and not row(reason).remedy] == []


def test_a_reason_of_a_newer_version_ends_the_run_with_a_warning() -> None:
    assert (follow_up("FromTheFuture"), row("FromTheFuture").is_warning) == (FollowUp.FAIL, True)


@pytest.mark.parametrize("kind", RunKind)
def test_the_smallest_spec_of_each_kind_is_valid_without_optional_fields(kind: RunKind) -> None:
    required = {field.alias for field in SPECS[kind].model_fields.values() if field.is_required()}
    chosen = {"githubUser"}  # one of two identities; likewise a taskId with its repository is one of two tasks
    if "task_id" in SPECS[kind].model_fields:
        chosen |= {"taskId", "platformRepositoryUrl"}
    assert set(SPECS[kind].smallest) == required | chosen
    SPECS[kind].model_validate(SPECS[kind].smallest)
