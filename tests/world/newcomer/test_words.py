"""Features that users of the predecessor would miss (cases S1 to S4, S6, S11, S12 of the field)."""

import re
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from functions.clients.mcp.server import INSTRUCTIONS
from functions.clients.mcp.task_tools import TASK_TOOLS, Docs
from functions.runs.model.run import problems
from functions.runs.model.specs import SPECS
from tests.clients.conftest import CommandLine, Repository
from tests.support.api import ROOT


def wrong_fields(kind: str, spec: dict[str, Any], **mode: Any) -> set[str]:
    with pytest.raises(ValidationError) as refused:
        SPECS[kind].model_validate(spec, **mode)
    return {field for field, _ in problems(refused.value)}


def test_all_errors_of_a_spec_are_returned_at_once() -> None:
    spec = {"taskId": 1, "service": "-", "model": "gpt-x", "repositoryUrl": "x"}
    expected = {"service", "model", "repositoryUrl", "platformRepositoryUrl", "githubUser", "githubApp"}
    assert wrong_fields("CodeRun", spec) == expected
    named = {"task_id": 1, "service": "-", "model": "gpt-x", "repository_url": "x"}
    assert wrong_fields("CodeRun", named, by_alias=False, by_name=True) >= {"service", "model", "githubUser"}
    assert wrong_fields("DocsRun", {"model": "opus"}) == {"repositoryUrl", "sourceBranch", "githubUser", "githubApp"}


def test_field_with_several_errors_is_named_once() -> None:
    spec = {"repositoryUrl": "https://git.example/shop", "sourceBranch": "..", "model": "", "githubUser": "octo cat"}
    assert wrong_fields("DocsRun", spec) == {"sourceBranch", "model", "githubUser"}


def test_tasks_without_a_text_file_are_named_in_one_line(docs: CommandLine) -> None:
    said = docs("--dry-run").err
    notes = [line for line in said.splitlines() if line.startswith("no text")]
    assert notes == ["no text             tasks 1, 2: no tasks/task_NNN.txt; the agent reads tasks.json"], said


def test_task_docs_accepts_both_names_of_the_directory(repository: Repository) -> None:
    assert {"directory", "working_directory"} <= Docs.model_fields.keys()


def test_mcp_instructions_promise_a_pull_request_only_with_an_app() -> None:
    for text in (INSTRUCTIONS, *(tool.description for tool in TASK_TOOLS)):
        assert "GitHub App" in text
        assert "ends with a pull request" not in text


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("migration.md", "orchestrator.platform/v1"),
        ("github.md", "GH_TOKEN"),
        ("concepts.md", "a few small ConfigMaps"),
    ],
)
def test_documentation_answers_questions_of_predecessor_users(page: str, words: str) -> None:
    assert words in (ROOT / "docs" / page).read_text()


def test_migration_table_names_only_existing_fields() -> None:
    fields = {field.alias or name for spec in SPECS.values() for name, field in spec.model_fields.items()}
    table = re.findall(r"^\| (`[a-z_`, ]+`) \| (.*) \|$", (ROOT / "docs/migration.md").read_text(), re.MULTILINE)
    olds = [name for old, _ in table for name in re.findall(r"`(\w+)`", old)]
    assert len(olds) > 15
    for old, new in table:
        named = re.findall(r"`([a-z]\w+)`", new)
        assert named[0] in fields, old
        assert {to_camel(name) for name in re.findall(r"`(\w+)`", old)} & fields <= set(named)
