"""CASES A10 to A13, A21, A23, A28: how the end of an agent is read, with the real Claude Code."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from functions.runs.model import reasons
from functions.runs.model.reasons import FollowUp, Reason
from functions.runs.model.repository_names import checkout
from functions.runs.model.run_spec import RunSpec
from tests.agent.attempts import BRANCH, pod_of, run_attempt
from tests.agent.conftest import SpecFactory
from tests.agent.model_server import Model, Refusal, Turn, says, serving, uses
from tests.agent.world import World, result_line
from tests.support.http_servers import Handler, listening
from tests.world.claude_code import ClaudeCode, shell

BACKGROUND = {
    "a background command": [
        shell("echo x > x"),
        shell("sleep 3600", run_in_background=True),
        says("Started it."),
    ],
    "a child of a command": [shell("echo x > x; sleep 3600 >/dev/null 2>&1 & disown"), says("Started it.")],
    "a monitor": [shell("echo x > x"), uses("Monitor", command="sleep 3600", description="wait"), says("Waiting.")],
    "a wake-up": [
        shell("echo x > x"),
        uses("ScheduleWakeup", delaySeconds=600, prompt="go on", reason="later"),
        says("I will go on later."),
    ],
}


@pytest.mark.parametrize("left", BACKGROUND)
def test_attempt_ends_although_a_background_process_is_left(cli: ClaudeCode, code_spec: SpecFactory, left: str) -> None:
    with serving(Model(BACKGROUND[left])) as model:
        pod = cli.pod(code_spec(), model, task={"deadline_seconds": 40})  # the script stops the agent after 30 s
        result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert pod.leftovers() == []


def test_agent_that_stays_after_its_result_is_stopped(world: World, code_spec: SpecFactory) -> None:
    agent = f"echo x > x\n{result_line()}\ntouch $POD_ROOT/said\nsleep 3600"
    pod = pod_of(world, code_spec(), agent).start()
    pod.until((pod.root / "said").exists)
    report = pod.wait(30)
    assert report.reason is Reason.COMPLETED, pod.log
    assert "after its last result" in pod.log


TOKEN = "ghp_0123456789abcdefghij"


def woken(**fields: Any) -> str:
    usage = {"claude-x": {"inputTokens": 10, "cacheReadInputTokens": 5, "outputTokens": 7, "costUSD": 0.25}}
    return result_line(model_usage_since_last_result=usage, **fields)


def test_usage_of_several_results_is_summed(world: World, code_spec: SpecFactory) -> None:
    lines = [
        woken(num_turns=2, result="NO_CHANGES: it is there", total_cost_usd=0.25),
        woken(num_turns=1, result=f"still nothing by {TOKEN}", total_cost_usd=0.5),
    ]
    result = world.pod(world.task(code_spec()), AGENT_COMMAND=world.agent("\n".join(lines))).run()
    assert (result.reason, result.message) == (Reason.NO_CHANGES, "it is there")
    assert result.summary == "still nothing by [redacted]"
    assert result.usage
    assert result.usage.model_dump() == {"cost_usd": 0.5, "input_tokens": 30, "output_tokens": 14, "turns": 3}


def test_resumed_attempt_reports_only_its_own_usage(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    """Claude Code sums cost and tokens over a session; a run sums over its attempts."""
    first = cli.run(code_spec(), shell("echo x > x"), says("Done."))
    second = cli.run(code_spec(), *[says("Done.")] * 4, attempt=2)
    assert second.report.session_id == first.report.session_id
    assert first.report.usage
    assert second.report.usage
    assert second.report.usage.input_tokens == 100
    assert second.report.usage.cost_usd == pytest.approx(first.report.usage.cost_usd / 2)


def test_turns_after_a_wake_up_count_for_max_turns(world: World, code_spec: SpecFactory) -> None:
    turn = {"type": "assistant", "parent_tool_use_id": None}
    said = [json.dumps(turn | {"message": {"id": f"m{n}", "model": "claude-x", "content": []}}) for n in range(6)]
    lines = [f"echo '{line}'" for line in said[:3]] + [result_line(num_turns=3)] + [f"echo '{said[3]}'", "sleep 60"]
    result = run_attempt(world, code_spec(maxTurns=3), "\n".join(lines))
    assert result.reason is Reason.MAX_TURNS
    assert "after 3 turns" in result.message


TOO_LONG = Refusal(400, "invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum")
DEAD = {
    "too long": TOO_LONG,
    "damaged": Refusal(400, "invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block"),
    "unpaired tools": Refusal(
        400, "invalid_request_error", "messages.3: `tool_use` ids were found without `tool_result` blocks: toolu_1"
    ),
    "too large": Refusal(413, "request_too_large", "Request exceeds the maximum allowed number of bytes."),
}


class Resumed(Model):
    """A model that rejects every conversation with an assistant message in it."""

    refusal: Refusal = TOO_LONG

    def _turn(self, request: dict[str, Any]) -> Turn | Refusal:
        resumed = any("before the end" in json.dumps(message) for message in request["messages"])
        return self.refusal if resumed else super()._turn(request)


@pytest.mark.parametrize("why", DEAD)
def test_session_that_the_api_rejects_is_replaced_by_a_new_one(
    cli: ClaudeCode, code_spec: SpecFactory, why: str
) -> None:
    first = cli.run(code_spec(), shell("echo before the end > one"), says("Done."))
    assert first.report.reason is Reason.COMPLETED
    model = Resumed([shell("echo two > two"), says("Done.")])
    model.refusal = DEAD[why]
    with serving(model):
        second = cli.pod(code_spec(), model, attempt=2)
        result = second.run()
    assert result.reason is Reason.COMPLETED, second.log
    begins_anew = "the agent starts a new one from its checkpoint files" in second.log
    assert begins_anew or (why == "too long" and "compact_boundary" in second.log), second.log
    assert cli.world.remotes.files("shop", BRANCH) == ["one", "two"]
    assert "task-1-checkpoint.json" in model.request_text(-1)


def test_session_rejected_in_its_first_attempt_is_not_resumed(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    first = cli.run(code_spec(), shell("echo one > one"), TOO_LONG)
    assert first.report.reason is Reason.AGENT_ERROR
    second = cli.run(code_spec(), shell("echo two > two"), says("Done."), attempt=2)
    assert second.report.reason is Reason.COMPLETED, second.pod.log
    assert "echo one" not in second.model.request_text(-1)


@pytest.mark.parametrize("text", [b"", b"\0" * 200, b'{"type": "mode"}\n'])
def test_unreadable_session_file_leads_to_a_new_session(cli: ClaudeCode, code_spec: SpecFactory, text: bytes) -> None:
    cli.run(code_spec(), shell("echo one > one"), says("Done."))
    for session in (cli.world.path / "workspace/.claude/projects").glob("*/*.jsonl"):
        session.write_bytes(text)
    second = cli.run(code_spec(), shell("echo two > two"), says("Done."), attempt=2)
    assert second.report.reason is Reason.COMPLETED, second.pod.log


def clone_of(cli: ClaudeCode, spec: RunSpec) -> Path:
    """Return the path of the run's clone."""
    return cli.world.path / "workspace" / checkout(spec.repository_url)


@pytest.mark.parametrize("path", [".mcp.json", ".husky/pre-commit", ".vscode/settings.json"])
def test_agent_can_write_files_that_need_approval_interactively(
    cli: ClaudeCode, code_spec: SpecFactory, path: str
) -> None:
    file = clone_of(cli, code_spec()) / path
    done = cli.run(code_spec(), uses("Write", file_path=str(file), content="{}\n"), says("Done."))
    assert cli.world.remotes.files("shop", BRANCH) == [path], done.pod.log


def test_agent_cannot_write_into_the_git_directory(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    file = clone_of(cli, code_spec()) / ".git/hooks/pre-push"
    write = uses("Write", file_path=str(file), content="exit 1\n")
    done = cli.run(code_spec(), write, shell("echo x > x"), says("Done."))
    assert not file.exists()
    assert f"denied: Write {file}"[:60] in done.report.message


def test_denied_tool_call_is_in_the_report(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    done = cli.run(code_spec(), shell("git push origin HEAD"), shell("echo x > x"), says("Done."))
    assert done.report.reason is Reason.COMPLETED
    assert "denied: Bash git push origin HEAD" in done.report.message


def test_refused_api_key_ends_the_run_within_seconds(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    done = cli.run(code_spec(), Refusal(401, "authentication_error", "invalid x-api-key"))
    assert done.report.reason is Reason.CREDENTIAL_REFUSED
    assert reasons.row(done.report.reason).follow_up is FollowUp.FAIL
    assert "the API key is refused (401): secret claude-api-key, key api-key" in done.report.message
    assert len(done.lines("system", "api_retry")) <= 2, "the CLI itself would try ten times"


def test_each_api_retry_is_one_log_line(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    done = cli.run(code_spec(), Refusal(529, "overloaded_error", "Overloaded"), CLAUDE_CODE_MAX_RETRIES="2")
    assert done.report.reason is Reason.OVERLOADED
    lines = [line for line in done.pod.log.splitlines() if line.startswith("[attempt] the model's API answered")]
    assert [line.partition(" in ")[0] for line in lines] == [
        f"[attempt] the model's API answered 529 (overloaded); retry {number} of 2" for number in (1, 2)
    ]


def test_missing_mcp_program_is_in_the_report(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    tools = {"server_url": "https://tools.example/mcp", "local_servers": {"gone": {"command": "no-such-program"}}}
    done = cli.run(code_spec(localTools="gone"), shell("echo x > x"), says("Done."), settings={"tools": tools})
    assert done.report.reason is Reason.COMPLETED
    assert "MCP servers that did not start: gone (failed), tools (failed)." in done.report.message


@pytest.mark.parametrize("text", ["What next?", "I stopped. **Shall I use tabs?**\n"])
def test_final_question_of_the_agent_is_in_the_report(world: World, code_spec: SpecFactory, text: str) -> None:
    result = pod_of(world, code_spec(), "echo x > x", words=text).run()
    assert result.reason is Reason.COMPLETED
    assert f"The agent ended with a question: {text.strip()}" in result.message
    nothing = pod_of(world, code_spec(), "true", words=text, run="r2").run()
    assert nothing.reason is Reason.NO_CHANGES
    assert text.strip() in nothing.message


NAMED: dict[str, tuple[Refusal, Reason, str]] = {
    "organisation": (
        Refusal(400, "invalid_request_error", "This organization has been disabled."),
        Reason.CREDENTIAL_REFUSED,
        "secret claude-api-key, key api-key",
    ),
    "permission": (
        Refusal(403, "permission_error", "Your API key does not have permission to use the specified resource."),
        Reason.CREDENTIAL_REFUSED,
        "does not have permission",
    ),
    "credit": (
        Refusal(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
        Reason.BUDGET_EXCEEDED,
        "Credit balance is too low",
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_refusal_of_the_api_is_reported_with_its_reason(cli: ClaudeCode, code_spec: SpecFactory, case: str) -> None:
    refusal, reason, words = NAMED[case]
    done = cli.run(code_spec(), refusal, CLAUDE_CODE_MAX_RETRIES="1")
    assert done.report.reason is reason, done.pod.log
    assert words in done.report.message


def test_end_of_a_rate_limit_is_reported(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    text = "You have reached your specified API usage limits. You will regain access on 2031-12-01 at 00:00 UTC."
    done = cli.run(code_spec(), Refusal(400, "invalid_request_error", text), CLAUDE_CODE_MAX_RETRIES="1")
    assert done.report.reason is Reason.RATE_LIMITED, done.pod.log
    assert done.report.rate_limit_reset_at
    assert done.report.rate_limit_reset_at.isoformat() == "2031-12-01T00:00:00+00:00"


@contextmanager
def refusing_proxy() -> Iterator[str]:
    """Yield the URL of a proxy or gateway that answers 403 with its own page."""

    class Refusing(Handler):
        def asked(self) -> None:
            self.received()
            self.answer(403, {"Content-Type": "text/html"}, b"<h1>Blocked by your administrator</h1>")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    with listening(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_proxy_that_answers_403_is_a_network_failure(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    with refusing_proxy() as url:
        settings = {"model": {"url": url}}
        done = cli.run(code_spec(), says("never asked"), settings=settings, CLAUDE_CODE_MAX_RETRIES="1")
    assert done.report.reason is Reason.NETWORK, done.pod.log
    assert "a proxy or gateway between the agent and the model's API answered 403" in done.report.message


def test_report_names_the_model_that_answered(cli: ClaudeCode, code_spec: SpecFactory) -> None:
    retired = cli.run(code_spec(model="claude-opus-4-20250514"), shell("echo x > x"), says("Done."))
    answered = retired.init["model"]
    assert retired.report.model == answered != "claude-opus-4-20250514"
    assert f"Model claude-opus-4-20250514 was requested; {answered} answered." in retired.report.message
    alias = cli.run(code_spec(model="opus"), says("Done."), task={"run": "r2"})
    assert alias.report.model == answered
    assert "was asked for" not in alias.report.message
