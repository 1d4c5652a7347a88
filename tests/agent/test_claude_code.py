"""The real Claude Code with the rendered files, a scripted model and a real sshd."""

import json
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.runs.model.reasons import Reason
from functions.runs.model.repository_names import checkout
from functions.runs.model.run_spec import RunSpec
from functions.templating.variables import AttemptContext
from tests.agent.attempts import BRANCH
from tests.agent.conftest import SpecFactory
from tests.agent.model_server import Model, Refusal, Turn, says, serving, uses
from tests.agent.sshd import SshServer
from tests.agent.world import Pod, World, at, plain_settings

MODEL = "claude-sonnet-4-5-20250929"


class ClaudeCli:
    """Pods with the real Claude Code and a real sshd."""

    def __init__(self, world: World, server: SshServer, claude: str) -> None:
        self.world, self.server, self.claude = world, server, claude

    def pod(self, spec: RunSpec, model: Model, *, attempt: int = 1, **changes: Any) -> Pod:
        return self.pod_of(self.world.task(spec, attempt=attempt), model, **changes)

    def pod_of(self, task: AttemptContext, model: Model, **changes: Any) -> Pod:
        settings = {"github": {"known_hosts": [self.server.host_key]}, **at(model.url), **changes.pop("settings", {})}
        given: dict[str, Any] = {
            "settings": plain_settings(**settings),
            "secrets": {"ssh/id_ed25519": self.server.private_key},
            "AGENT_COMMAND": self.world.agent(f'printf "%s\\n" "$@" > "$POD_ROOT/arguments"; exec {self.claude} "$@"'),
            "CLAUDE_CODE_MAX_RETRIES": "1",
        }
        return self.world.pod(task, **given | changes)


@pytest.fixture
def cli(ssh_world: World, ssh_server: SshServer, claude: str) -> ClaudeCli:
    return ClaudeCli(ssh_world, ssh_server, claude)


@contextmanager
def model(*turns: Turn | Refusal) -> Iterator[Model]:
    with serving(Model(turns)) as found:
        yield found


def shell(command: str, **fields: Any) -> Turn:
    return uses("Bash", command=command, description="a step", **fields)


def test_code_attempt_pushes_the_branch_and_reports_session_and_usage(cli: ClaudeCli, code_spec: SpecFactory) -> None:
    spec = code_spec(model=MODEL, promptModification='Mind the `gap`, $HOME and "quotes".')
    with model(shell("echo hi > greeting.txt"), says("All done.")) as script:
        pod = cli.pod(spec, script)
        result = pod.run()
    assert (result.outcome, result.reason) == ("succeeded", Reason.COMPLETED), pod.log
    assert result.session_id == cli.world.task(spec).session_id
    assert result.usage
    assert (result.usage.input_tokens, result.usage.output_tokens, result.usage.turns) == (200, 14, 2)
    assert result.usage.cost_usd > 0
    assert result.commit == cli.world.remotes.tip("shop", BRANCH)
    assert cli.world.remotes.files("shop", BRANCH) == ["greeting.txt"]
    assert "Agent-Run: agents/r1" in cli.world.remotes.log("shop", BRANCH), "the Stop hook commits"
    assert {request["model"] for request in script.requests} == {MODEL}
    assert 'Mind the `gap`, $HOME and "quotes".' in script.request_text()
    assert "# Task 1 of shop" in script.request_text(), "the instructions contain CLAUDE.md"


def test_docs_attempt_pushes_the_branch_with_the_documents(cli: ClaudeCli, docs_spec: SpecFactory) -> None:
    path = ".taskmaster/docs/task-2/task.md"
    with model(shell(f"mkdir -p $(dirname {path}) && echo x > {path}"), says("Documented.")) as script:
        pod = cli.pod(docs_spec(model=MODEL), script)
        result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert cli.world.remotes.files("platform", BRANCH) == [path]
    assert "Document the Task Master tasks of this working directory" in script.request_text()
    assert "# Documentation of Task Master tasks" in script.request_text(), "the instructions contain CLAUDE.md"


@pytest.mark.parametrize("tool", ["Write", "Edit"])
def test_files_are_edited_without_an_approval(cli: ClaudeCli, code_spec: SpecFactory, tool: str) -> None:
    file = str(cli.world.path / "workspace" / checkout(code_spec().repository_url) / "README.md")
    edit: dict[str, Any] = {"old_string": "shop", "new_string": "SHOP"} if tool == "Edit" else {"content": "SHOP\n"}
    with model(uses("Read", file_path=file), uses(tool, file_path=file, **edit), says("Done.")) as script:
        pod = cli.pod(code_spec(model=MODEL), script)
        result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert cli.world.remotes.show("shop", f"{BRANCH}:README.md") == "SHOP\n"


def test_deny_rule_stops_a_forbidden_command(cli: ClaudeCli, code_spec: SpecFactory) -> None:
    rules = {"agent_tools_override": True, "allow": ["Bash"], "deny": ["Bash(touch:*)"]}
    with model(shell("touch forbidden"), shell("echo fine > allowed"), says("Done.")) as script:
        result = cli.pod(code_spec(model=MODEL), script, settings={"permissions": rules}).run()
    assert result.reason is Reason.COMPLETED
    assert cli.world.remotes.files("shop", BRANCH) == ["allowed"]
    first, second = script.tool_results()
    assert first["is_error"]
    assert "denied" in str(first["content"])
    assert not second.get("is_error")


def test_agent_configuration_on_an_unreviewed_branch_has_no_effect(cli: ClaudeCli, code_spec: SpecFactory) -> None:
    """The CLAUDE.md of the base branch is passed on as the repository's text."""
    hook = {"type": "command", "command": "touch pwned-by-a-hook"}
    hooks = {event: [{"hooks": [hook]}] for event in ("SessionStart", "UserPromptSubmit", "PostToolUse", "Stop")}
    settings = {"hooks": hooks, "env": {"EVIL": "1"}, "permissions": {"deny": ["Bash"]}}
    server = {"mcpServers": {"evil": {"command": "touch", "args": ["pwned-by-mcp"]}}}
    files = {
        "CLAUDE.md": "EVIL INSTRUCTIONS\n",
        ".claude/CLAUDE.md": "EVIL INSTRUCTIONS\n",
        ".claude/settings.json": json.dumps(settings),
        ".claude/settings.local.json": json.dumps(settings),
        ".mcp.json": json.dumps(server),
    }
    cli.world.remotes.commit("shop", {"CLAUDE.md": "Base says: tabs.\n"})
    cli.world.remotes.commit("shop", files, branch=BRANCH)
    with model(shell("echo $EVIL > seen; ls >> seen"), says("Done.")) as script:
        pod = cli.pod(code_spec(model=MODEL), script, attempt=2)
        result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    seen = json.dumps(script.requests)
    assert "Base says: tabs." in seen
    assert "EVIL INSTRUCTIONS" not in seen
    assert "mcp__evil" not in seen
    assert not list((cli.world.path / "workspace").rglob("pwned*"))
    assert cli.world.remotes.show("shop", f"{BRANCH}:seen").splitlines()[0] == ""


def test_hook_added_to_the_templates_runs(cli: ClaudeCli, code_spec: SpecFactory) -> None:
    templates = cli.world.path / "templates"
    shutil.copytree(Path(__file__).parents[2] / "templates", templates)
    hook = "#!/bin/bash\necho 'no touching on {{ run }}' >&2\ngrep -q touch && exit 2\nexit 0\n"
    (templates / "claude/code/hooks/guard-touching.sh.j2").write_text(hook)
    with model(shell("touch x"), shell("echo y > y"), says("Done.")) as script:
        pod = cli.pod(code_spec(model=MODEL), script, settings={"templates": str(templates)})
        result = pod.run()
    assert result.reason is Reason.COMPLETED, pod.log
    assert cli.world.remotes.files("shop", BRANCH) == ["y"]
    assert "no touching on r1" in str(script.tool_results()[0]["content"])


def test_second_attempt_resumes_the_session_and_finds_the_work(cli: ClaudeCli, code_spec: SpecFactory) -> None:
    spec = code_spec(model=MODEL)
    with model(
        shell("echo one > one; mkdir -p .orchestrator; echo '{}' > .orchestrator/task-1-checkpoint.json"),
        Refusal(529, "overloaded_error", "Overloaded"),
    ) as script:
        first = cli.pod(spec, script).run()
        assert first.reason is Reason.OVERLOADED
        # The refusal counts as a message of the session.
        script.turns = [script.turns[0], *[shell("cat one .orchestrator/*.json > two")] * 2, says("Done.")]
        pod = cli.pod(spec, script, attempt=2)
        second = pod.run()
    assert second.reason is Reason.COMPLETED, pod.log
    assert second.session_id == first.session_id == cli.world.task(spec).session_id
    assert f"--resume\n{first.session_id}\n" in (pod.root / "arguments").read_text()
    assert "echo one > one" in script.request_text(-1), "the session has the first attempt's conversation"
    assert "Earlier work on this task is there" in script.request_text(-1), (
        "the session has the second attempt's prompt"
    )
    assert cli.world.remotes.files("shop", BRANCH) == ["one", "two"]
    assert cli.world.remotes.show("shop", f"{BRANCH}:two") == "one\n{}\n"


def test_new_run_continues_the_last_session_of_the_workspace(cli: ClaudeCli, code_spec: SpecFactory) -> None:
    with model(shell("echo one > one"), says("First.")) as script:
        first = cli.pod(code_spec(model=MODEL), script).run()
    own = "11111111-1111-5111-8111-111111111111"
    with model(*[shell("echo two > two")] * 3, says("Done.")) as script:
        task = cli.world.task(code_spec(model=MODEL, continueSession=True), run="r2", session_id=own)
        pod = cli.pod_of(task, script)
        second = pod.run()
    assert second.reason is Reason.COMPLETED, pod.log
    assert (first.session_id, second.session_id) == (cli.world.task(code_spec()).session_id, own)
    assert "echo one > one" in script.request_text(-1), "the session has the other run's conversation"
    assert cli.world.remotes.files("shop", "agents/r2-3b2c1") == ["two"], "the new run has its own branch"


FAILURES: Mapping[str, tuple[Sequence[Turn | Refusal], dict[str, Any], Reason, str]] = {
    "overloaded": ([Refusal(529, "overloaded_error", "Overloaded")], {}, Reason.OVERLOADED, "529"),
    "api key": ([Refusal(401, "authentication_error", "invalid x-api-key")], {}, Reason.CREDENTIAL_REFUSED, "API key"),
    "no such model": ([Refusal(404, "not_found_error", f"model: {MODEL}")], {}, Reason.INVALID_INPUT, "model"),
    "most turns": ([shell(f"echo {n} > f{n}") for n in range(9)], {"maxTurns": 2}, Reason.MAX_TURNS, "maxTurns"),
    "budget": ([shell("true", output_tokens=100_000)], {"maxCostUsd": 1}, Reason.BUDGET_EXCEEDED, "maxCostUsd"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failure_of_claude_code_is_reported_with_its_reason(
    cli: ClaudeCli, code_spec: SpecFactory, failure: str
) -> None:
    turns, limits, reason, words = FAILURES[failure]
    with model(*turns) as script:
        pod = cli.pod(code_spec(model=MODEL, **limits), script)
        result = pod.run()
    assert (result.outcome, result.reason) == ("failed", reason), pod.log
    assert words in result.message
    assert result.session_id == cli.world.task(code_spec()).session_id


@pytest.mark.parametrize("headers", [{"retry-after": "3600"}, {"anthropic-ratelimit-requests-reset": "IN AN HOUR"}])
def test_rate_limit_is_reported_with_its_reset_time(
    cli: ClaudeCli, code_spec: SpecFactory, headers: Mapping[str, str]
) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    headers = {name: value.replace("IN AN HOUR", end.strftime("%Y-%m-%dT%H:%M:%SZ")) for name, value in headers.items()}
    with model(shell("echo x > x"), Refusal(429, "rate_limit_error", "over your rate limit", headers)) as script:
        result = cli.pod(code_spec(model=MODEL), script).run()
    assert result.reason is Reason.RATE_LIMITED
    assert result.rate_limit_reset_at
    assert abs(result.rate_limit_reset_at - end) < timedelta(minutes=2)
    assert cli.world.remotes.files("shop", BRANCH) == ["x"], "work done before the failure is pushed"


def test_sigterm_ends_the_agent_and_its_child_processes(cli: ClaudeCli, code_spec: SpecFactory) -> None:
    with model(shell('echo x > x; touch "$POD_ROOT/working"; sleep 300'), says("never")) as script:
        pod = cli.pod(code_spec(model=MODEL), script).start()
        pod.until((pod.root / "working").exists)
        pod.kill(signal.SIGTERM)
        result = pod.wait()
    assert (result.outcome, result.reason) == ("failed", Reason.TERMINATED)
    assert pod.leftovers() == []
    assert cli.world.remotes.files("shop", BRANCH) == ["x"]
    with model(*[shell("cat x > y")] * 3, says("Done.")) as script:
        again = cli.pod(code_spec(model=MODEL), script, attempt=2)
        assert again.run().reason is Reason.COMPLETED, again.log
    assert result.session_id == cli.world.task(code_spec()).session_id
    assert "sleep 300" in script.request_text(-1), "the next attempt resumes the killed session"
    assert cli.world.remotes.files("shop", BRANCH) == ["x", "y"]
