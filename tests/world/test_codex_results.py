"""The cases of test_agent_results with the real Codex; templates/README.md lists what Codex cannot do."""

import json
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from functions.runs.model.report import Report
from functions.runs.model.run_spec import RunSpec
from tests.agent.attempts import BRANCH
from tests.agent.conftest import SpecFactory
from tests.agent.responses_server import Refusal, Responses, runs, says, serving
from tests.agent.test_codex import CodexCli, codex
from tests.agent.world import Pod, World

__all__ = ["codex"]


@pytest.fixture
def spec(code_spec: SpecFactory) -> RunSpec:
    return code_spec(agentCli="codex", model="gpt-5.1-codex")


def attempt(world: World, program: str, spec: RunSpec, *turns: Any, attempt: int = 1) -> tuple[Report, Pod, Responses]:
    """Run one attempt to its end."""
    with serving(*turns) as model:
        pod = CodexCli(world, program).pod(spec, model, attempt=attempt)
        return pod.run(), pod, model


def test_refused_api_key_ends_the_run_within_seconds(world: World, codex: str, spec: RunSpec) -> None:
    result, pod, model = attempt(world, codex, spec, Refusal(401, {"message": "Incorrect API key provided"}))
    assert result.reason is Reason.CREDENTIAL_REFUSED
    assert "the API key is refused (401): secret openai-api-key, key api-key" in result.message
    assert pod.log.count("[attempt] the model's API did not answer") == 2
    assert len(model.requests) <= 4, "Codex itself would try six times"


def test_session_that_is_too_long_is_not_resumed(world: World, codex: str, spec: RunSpec) -> None:
    too_long = {"message": "Your input exceeds the context window.", "code": "context_length_exceeded"}
    first, _, _ = attempt(world, codex, spec, runs("echo one > one"), Refusal(400, too_long))
    assert first.reason is Reason.AGENT_ERROR
    result, pod, model = attempt(world, codex, spec, runs("echo two > two"), says("Done."), attempt=2)
    assert result.reason is Reason.COMPLETED, pod.log
    assert "echo one" not in model.request_text(-1)
    assert world.remotes.files("shop", BRANCH) == ["one", "two"]


def test_final_question_of_the_agent_is_in_the_report(world: World, codex: str, spec: RunSpec) -> None:
    result, _, _ = attempt(world, codex, spec, runs("echo x > x"), says("Shall I go on?"))
    assert "The agent ended with a question: Shall I go on?" in result.message
    assert result.model == "gpt-5.1-codex"


def test_attempt_succeeds_after_the_agent_damaged_the_file_of_its_usage(
    world: World, codex: str, spec: RunSpec
) -> None:
    command = 'echo x > x; echo "{" > "$CODEX_HOME/reported-usage.json"'
    result, pod, _ = attempt(world, codex, spec, runs(command), says("Done."))
    assert json.loads(next((world.path / "workspace/.codex").glob("*/reported-usage.json")).read_text())
    assert result.reason is Reason.COMPLETED, pod.log


def test_codex_gets_memory_files_of_the_base_branch_and_attempt_facts(world: World, codex: str, spec: RunSpec) -> None:
    files = {"AGENTS.md": "M-AGENTS @more.md\n", "more.md": "M-MORE\n", "src/AGENTS.md": "M-NESTED\n"}
    world.remotes.commit("shop", {**files, "CLAUDE.md": "M-CLAUDE\n"})
    _, _, model = attempt(world, codex, spec, says("NO_CHANGES: looked"))
    message = model.messages("user")
    assert "M-AGENTS" in message
    assert "src/AGENTS.md (for work in src/)" in message
    assert "M-MORE" not in message, "Codex does not follow imports"
    assert "M-CLAUDE" not in message
    assert "It ends itself at " in message


def test_attempt_ends_although_a_background_process_is_left(world: World, codex: str, spec: RunSpec) -> None:
    result, pod, _ = attempt(
        world, codex, spec, runs("echo x > x; sleep 3600 >/dev/null 2>&1 & disown"), says("Started.")
    )
    assert result.reason is Reason.COMPLETED, pod.log
    assert pod.leftovers() == []
