"""Title and text of the pull request: from the agent's file, its last message, the repository's template."""

from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from functions.runs.model.run_spec import RunSpec
from tests.agent.attempts import BRANCH
from tests.agent.conftest import SpecFactory
from tests.agent.github_app import pod_of, pulls, spec_of
from tests.agent.world import DEPLOY_TOKEN, World, result_line
from tests.support.github import Github, Repository

TEXT = "cat > .orchestrator/r1-pull-request.md <<'EOF'\n{text}\nEOF\n"
OWN = "# feat: greet people\n\nSays hello.\n\n## Verified\n\n- `make test`: 3 passed\n"


def leave(text: str | None, words: str = "All done.") -> str:
    """Return shell lines of an agent that makes a change and writes `text` to the pull request file, if given."""
    write = f"mkdir -p .orchestrator\n{TEXT.format(text=text)}" if text else ""
    return f"echo $RANDOM > x\n{write}{result_line(result=words)}"


def opened(world: World, github: Github, spec: RunSpec, agent: str, attempt: int = 1) -> dict[str, Any]:
    """Return the pull request after an attempt with that agent."""
    result = pod_of(world, github, spec, agent, attempt=attempt).run()
    assert result.reason is Reason.COMPLETED, result.message
    (found,) = pulls(github)
    assert found["html_url"] == result.pull_request_url
    return dict(found)


def test_pull_request_has_the_title_and_text_of_the_agents_file(
    world: World, github: Github, code_spec: SpecFactory
) -> None:
    found = opened(world, github, spec_of(github, code_spec), leave(OWN))
    assert found["title"] == "feat: greet people"
    assert found["body"].startswith("Says hello.\n\n## Verified\n\n- `make test`: 3 passed\n\n---\nTask 1 of shop")
    assert "Made by the agent run agents/r1 with claude-test." in found["body"]
    assert ".orchestrator" not in "".join(world.remotes.files("shop", BRANCH))


def test_pull_request_without_a_file_has_task_title_and_last_message(
    world: World, github: Github, code_spec: SpecFactory
) -> None:
    world.remotes.commit("shop", {".github/pull_request_template.md": "## Checklist\n- [ ] tested\n"})
    found = opened(world, github, spec_of(github, code_spec), leave(None, "Added a greeting; `make test` passes."))
    assert found["title"] == "Task 1: Greet"
    assert found["body"].startswith("Added a greeting; `make test` passes.\n\n## Checklist\n- [ ] tested\n")


def test_pull_request_of_a_docs_run_has_the_last_message(world: World, github: Github, docs_spec: SpecFactory) -> None:
    agent = f"mkdir -p .taskmaster/docs/task-2; echo x > .taskmaster/docs/task-2/task.md\n{result_line(result='Two.')}"
    found = opened(world, github, spec_of(github, docs_spec), agent)
    assert found["title"] == "docs: document the tasks"
    assert found["body"].startswith("Two.\n")


def test_retry_updates_title_and_text(world: World, github: Github, code_spec: SpecFactory) -> None:
    spec = spec_of(github, code_spec)
    opened(world, github, spec, leave("First title\n\nfirst"))
    found = opened(world, github, spec, leave("Second title\n\nsecond"), attempt=2)
    assert found["title"] == "Second title"
    assert found["body"].startswith("second\n")


def test_text_written_by_a_person_is_kept(
    world: World, github: Github, shop: Repository, code_spec: SpecFactory
) -> None:
    shop.open_pull(BRANCH, "main", "Mine", "my words")
    found = opened(world, github, spec_of(github, code_spec), leave(OWN))
    assert (found["title"], found["body"]) == ("Mine", "my words")


@pytest.mark.parametrize("text", [f"Title {DEPLOY_TOKEN}\n\ntext {DEPLOY_TOKEN}", f"Fine\n\n{DEPLOY_TOKEN}"])
def test_pull_request_contains_no_secret(world: World, github: Github, code_spec: SpecFactory, text: str) -> None:
    found = opened(world, github, spec_of(github, code_spec), leave(text))
    assert DEPLOY_TOKEN not in found["title"] + found["body"]
    assert "[redacted]" in found["body"]
