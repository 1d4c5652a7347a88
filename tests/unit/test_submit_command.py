"""The command that submits a run's request again: its task, its options, its quoting, and what it leaves out."""

import shlex
from typing import Any

import pytest

from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import Reason
from functions.views.next_step import next_step
from functions.views.submit_command import submit_command
from tests.support.builders import ended, run

SHOP = "https://git.example/shop.git"
URL = "https://github.com/acme/shop/issues/12"


def words(kind: str = "CodeRun", **spec: Any) -> list[str]:
    return shlex.split(submit_command(run(kind, spec)))


def options(*line: str) -> dict[str, str]:
    return dict(zip(line[::2], line[1::2], strict=True))


def test_a_task_id_comes_first_and_options_are_what_differs_from_the_defaults() -> None:
    command, *rest = words(
        agentCli="claude", toolConfig="default", workingDirectory=".", branch="main", contextVersion=2, priority=5
    )[3:]
    assert command == "3"
    assert options(*rest) == {
        "--repository-url": SHOP,
        "--model": "claude-3-5-sonnet-20241022",
        "--github-app": "5DLabs-Rex",
        "--priority": "5",
        "--service": "api",
        "--platform-repository-url": SHOP,
    }


def test_a_docs_run_has_no_task() -> None:
    assert words("DocsRun", workingDirectory="a b")[2:5] == ["docs", "--repository-url", SHOP]
    assert "--working-directory 'a b'" in submit_command(run("DocsRun", {"workingDirectory": "a b"}))


@pytest.mark.parametrize(
    ("repository", "url", "text", "task"),
    [
        ("git@github.com:Acme/Shop.git", URL, "Long.", ["--issue", "12"]),
        ("https://github.com/acme/other", URL, "Long.", ["--prompt", "WHAT TO DO"]),
        (SHOP, None, "Mend 'it'\n\nNow.", ["--prompt", "WHAT TO DO"]),
        (SHOP, None, "Mend 'it'; $(x)", ["--prompt", "Mend 'it'; $(x)"]),
        (SHOP, None, "", ["--prompt", "Mend 'it'; $(x)"]),
    ],
)
def test_a_task_is_an_issue_of_the_own_repository_or_a_prompt(
    repository: str, url: str | None, text: str, task: list[str]
) -> None:
    given = {"title": "Mend 'it'; $(x)", "text": text, "url": url}
    found = words(taskId=None, platformRepositoryUrl=None, repositoryUrl=repository, task=given)
    assert found[3:5] == task


def test_the_next_step_says_what_the_command_leaves_out() -> None:
    left = {"env": [{"name": "KEY", "value": "hidden"}], "resources": {"cpu": "2"}, "envFromSecrets": ["one", "two"]}
    failed = ended(State.FAILED, Reason.INVALID_INPUT).status
    said = next_step(run(spec=left).with_status(failed))
    assert "submit it again without its env and resources with: orchestrator task code 3 " in said
    assert "hidden" not in said
    assert "--env-from-secrets one --env-from-secrets two" in said
    assert "submit it again with: " in next_step(run().with_status(failed))
