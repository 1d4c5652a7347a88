"""The real Codex, the second agent CLI, with the rendered files and a scripted model."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.run_spec import RunSpec
from functions.templating.render import TemplateError, task_files
from tests.agent.attempts import BRANCH
from tests.agent.conftest import PARTS, SpecFactory
from tests.agent.responses_server import Refusal, Responses, runs, says, serving
from tests.agent.world import PRIVATE_KEY, UID, Pod, World, at, lay_out, plain_settings

KEY = "sk-codex-9a8b7c6d5e4f"
MODEL = "gpt-5.1-codex"


@pytest.fixture(scope="session")
def codex(program: Callable[[str, str], str]) -> str:
    return program(str(PARTS / "codex"), "make parts, with npm installed")


@dataclass
class CodexCli:
    """Pods with the real Codex."""

    world: World
    codex: str

    def pod(self, spec: RunSpec, model: Responses, *, run: str = "r1", attempt: int = 1, **changes: Any) -> Pod:
        given: dict[str, Any] = {
            "AGENT_COMMAND": "",
            "settings": plain_settings(**at(model.url)),
            "secrets": {"ssh/id_ed25519": PRIVATE_KEY, "model/credential": KEY},
        }
        task = self.world.task(spec, run, attempt, **changes.pop("task", {}))
        return self.world.pod(task, **given | {"PATH": f"{PARTS}:{self.path}"} | changes)

    @property
    def path(self) -> str:
        return self.world.environ(self.world.path, 0)["PATH"]


@pytest.fixture
def cli(world: World, codex: str) -> CodexCli:
    return CodexCli(world, codex)


@pytest.fixture
def spec(code_spec: SpecFactory) -> RunSpec:
    return code_spec(agentCli="codex", model=MODEL)


WRITES = runs("echo 'print(1)' > hello.py && git log -1 --format=%s && echo key:$OPENAI_API_KEY.")
WAITS = runs("echo waiting > half.txt; sleep 60")


def test_code_attempt_pushes_the_branch_and_reports_session_and_usage(cli: CodexCli, spec: RunSpec) -> None:
    cli.world.remotes.commit("shop", {"AGENTS.md": "the base branch says: tabs\n"})
    with serving(WRITES, says("wrote hello.py")) as model:
        pod = cli.pod(spec, model)
        result = pod.run()
    assert (result.outcome, result.reason, result.branch) == ("succeeded", Reason.COMPLETED, BRANCH), pod.log
    assert cli.world.remotes.files("shop", BRANCH) == ["hello.py"]
    assert result.usage
    assert (result.usage.input_tokens, result.usage.output_tokens, result.usage.turns) == (200, 14, 1)
    assert result.session_id
    assert f'"thread_id":"{result.session_id}"' in pod.log
    assert "Implement task 1 of service shop" in model.messages("user")
    assert "# Task 1 of shop" in model.messages("user")
    assert "## Coding guidelines" in model.messages("user")
    assert "the base branch says: tabs" in model.messages("user")
    assert model.requests[0]["model"] == MODEL
    assert KEY not in pod.log
    assert "key:.\n" in model.outputs()[0], "the agent's shell does not see the key"


def test_docs_attempt_pushes_the_branch(cli: CodexCli, docs_spec: SpecFactory) -> None:
    write = runs("mkdir -p .taskmaster/docs/task-2 && echo x > .taskmaster/docs/task-2/task.md")
    with serving(write, says("documented")) as model:
        result = cli.pod(docs_spec(agentCli="codex", model=MODEL), model).run()
    assert result.reason == Reason.COMPLETED, result.message
    assert cli.world.remotes.files("platform", BRANCH) == [".taskmaster/docs/task-2/task.md"]
    assert "# Documentation of Task Master tasks" in model.messages("user")


def test_codex_runs_the_stop_hook(cli: CodexCli, spec: RunSpec) -> None:
    hook = "#!/bin/bash\ncat >said-to-hook.json\n"
    with serving(WRITES, says("done")) as model:
        pod = cli.pod(spec, model, files={"hooks-stop-commit.sh": hook})
        assert pod.run().reason == Reason.COMPLETED
    said = json.loads(cli.world.remotes.show("shop", f"{BRANCH}:said-to-hook.json"))
    assert (said["hook_event_name"], said["last_assistant_message"]) == ("Stop", "done")


def test_hook_added_to_the_templates_runs(cli: CodexCli, spec: RunSpec) -> None:
    templates = cli.world.path / "templates"
    shutil.copytree(plain_settings().templates, templates)
    hook = '#!/bin/bash\ncat >"$POD_ROOT/started.json"\n'
    (templates / "codex/code/hooks/start-hello.sh.j2").write_text(hook)
    with serving(says("NO_CHANGES: looked")) as model:
        pod = cli.pod(spec, model, settings=plain_settings(templates=str(templates), **at(model.url)))
        pod.run()
    assert json.loads((pod.root / "started.json").read_text())["hook_event_name"] == "SessionStart"


def test_hook_output_reaches_the_model(cli: CodexCli, spec: RunSpec) -> None:
    patch = "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: bad.json\n+{\n*** End Patch\nEOF\n"
    with serving(runs(patch), runs("echo fine"), runs("echo still"), says("done")) as model:
        cli.pod(spec, model).run()
    assert "fine" in model.outputs()[1], "the command's own output is kept"
    assert model.request_text(-1).count("bad.json does not parse") == 1, (
        "the message appears once, not after every command"
    )


def test_denied_command_is_not_run(cli: CodexCli, spec: RunSpec) -> None:
    deny = {"agent_tools_override": True, "allow": ["Bash"], "deny": ["Bash(touch *)"]}
    hidden = runs("cd . && A=1 touch forbidden.txt")
    with serving(hidden, says("NO_CHANGES: it was forbidden")) as model:
        result = cli.pod(spec, model, settings=plain_settings(permissions=deny, **at(model.url))).run()
    assert result.reason == Reason.NO_CHANGES, result.message
    assert "forbidden by the rule Bash(touch *)" in model.outputs()[0]
    assert cli.world.remotes.branches("shop") == ["main"]


@pytest.mark.parametrize("directory", [".", "src"])
def test_codex_configuration_on_the_branch_has_no_effect(cli: CodexCli, code_spec: SpecFactory, directory: str) -> None:
    spec = code_spec(agentCli="codex", model=MODEL, workingDirectory=directory)
    evil = '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "touch EVIL-HOOK"\n'
    evil += '[mcp_servers.evil]\ncommand = "touch"\nargs = ["EVIL-MCP"]\n'
    skill = "---\nname: evil\ndescription: EVIL-SKILL\n---\n"
    files = {".codex/config.toml": evil, "AGENTS.md": "EVIL-MEMORY\n", ".agents/skills/evil/SKILL.md": skill}
    files |= {f"src/{name}": text for name, text in files.items()}
    cli.world.remotes.commit("shop", files, branch=BRANCH)
    with serving(WRITES, says("done")) as model:
        pod = cli.pod(spec, model)
        assert pod.run().reason == Reason.COMPLETED
    assert "EVIL" not in model.request_text(-1)
    assert [path for path in cli.world.remotes.files("shop", BRANCH) if "EVIL" in path] == []


def test_next_attempt_resumes_a_killed_session(cli: CodexCli, spec: RunSpec) -> None:
    with serving(WAITS, says("done")) as model:
        first = cli.pod(spec, model).start()
        first.until_logged("sleep 60")
        first.until(lambda: (first.root / "workspace").joinpath().exists() and "in_progress" in first.log)
        first.kill(signal.SIGTERM)
        assert first.wait().reason == Reason.TERMINATED
        second = cli.pod(spec, model, attempt=2)
        result = second.run()
    assert result.reason == Reason.COMPLETED, second.log
    assert f'"thread_id":"{result.session_id}"' in first.log, "both attempts have the same session"
    assert "Earlier work on this task is there." in model.messages("user", -1)
    assert "sleep 60" in model.request_text(-1), "the session has the first attempt's command"
    assert "half.txt" in cli.world.remotes.files("shop", BRANCH)


def test_new_run_with_continue_session_resumes_the_last_session(
    cli: CodexCli, code_spec: SpecFactory, spec: RunSpec
) -> None:
    with serving(WRITES, says("first done"), says("second done")) as model:
        cli.pod(spec, model).run()
        more = code_spec(agentCli="codex", model=MODEL, continueSession=True, promptModification="add a farewell")
        changes = {"session_id": naming.session_id(UID, 2, 1), "branch": "agents/r2-3b2c1"}
        result = cli.pod(more, model, run="r2", task=changes).run()
    assert "first done" in model.request_text(-1)
    assert result.usage
    assert result.usage.input_tokens == 100, "the usage of this run only; Codex counts the whole session"
    assert "add a farewell" in model.messages("user", -1)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Refusal(429, {"message": "Rate limit reached", "code": "rate_limit_exceeded"}), Reason.RATE_LIMITED),
        (Refusal(429, {"type": "usage_limit_reached", "message": "x", "resets_at": 1999999999}), Reason.RATE_LIMITED),
        (Refusal(503, {"message": "The server is overloaded"}), Reason.OVERLOADED),
        (Refusal(401, {"message": "Incorrect API key provided"}), Reason.CREDENTIAL_REFUSED),
    ],
)
def test_failure_of_codex_is_reported_with_its_reason(
    cli: CodexCli, spec: RunSpec, refusal: Refusal, reason: Reason
) -> None:
    with serving(refusal) as model:
        pod = cli.pod(spec, model, files=once(spec, cli.world))
        result = pod.run()
    assert (result.outcome, result.reason) == ("failed", reason), result.message


def changed_settings(spec: RunSpec, world: World, **changes: Any) -> dict[str, str]:
    settings = json.loads(task_files(world.task(spec), plain_settings()).files["settings.json"])
    return {"settings.json": json.dumps(settings | changes)}


def once(spec: RunSpec, world: World) -> dict[str, str]:
    """Return settings with which Codex sends each request once, so that a test does not wait for its retries."""
    settings = json.loads(task_files(world.task(spec), plain_settings()).files["settings.json"])
    server = settings["model_providers"]["server"] | {"request_max_retries": 0, "stream_max_retries": 0}
    return changed_settings(spec, world, model_providers={"server": server})


def test_missing_api_key_is_named(cli: CodexCli, spec: RunSpec) -> None:
    with serving(says("never asked")) as model:
        result = cli.pod(spec, model, secrets={"ssh/id_ed25519": "k", "model/credential": ""}).run()
    assert result.reason == Reason.MISSING_SECRET
    assert "secret openai-api-key with key api-key" in result.message
    assert model.requests == []


@pytest.mark.parametrize("wrong", ["{", "[]", "{}", {"no_such_setting": 1}, {"model": 1}, {"hooks": {"Stop": "x"}}])
def test_invalid_settings_fail_before_a_model_request(
    cli: CodexCli, spec: RunSpec, wrong: str | dict[str, Any]
) -> None:
    files = {"settings.json": wrong} if isinstance(wrong, str) else changed_settings(spec, cli.world, **wrong)
    with serving(says("never asked")) as model:
        result = cli.pod(spec, model, files=files).run()
    assert result.reason == Reason.CONFIGURATION_ERROR, result.message
    assert model.requests == []


@pytest.mark.parametrize(
    ("changes", "permissions", "words"),
    [
        ({"maxTurns": 3}, {}, "maxTurns: the agent CLI codex has no such limit"),
        ({"maxCostUsd": 3}, {}, "maxCostUsd: the agent CLI codex has no such limit"),
        ({}, {"allow": ["Read"]}, "permissions.allow without Bash"),
        ({}, {"allow": ["Bash"], "deny": ["Read(.env)"]}, r"codex cannot hold the rule Read\(.env\)"),
        (
            {"localTools": "browser"},
            {},
            "localTools: there is no local tool browser; the setting tools.local_servers has filesystem",
        ),
    ],
)
def test_limits_and_rules_that_codex_cannot_enforce_are_refused(
    world: World, code_spec: SpecFactory, changes: dict[str, Any], permissions: dict[str, Any], words: str
) -> None:
    section = {"agent_tools_override": True, **permissions} if permissions else {}
    with pytest.raises(TemplateError, match=words):
        task_files(world.task(code_spec(agentCli="codex", model=MODEL, **changes)), plain_settings(permissions=section))


def test_rendered_codex_scripts_pass_their_linters(
    world: World, code_spec: SpecFactory, docs_spec: SpecFactory, program: Callable[[str, str], str], tmp_path: Path
) -> None:
    shellcheck = program("shellcheck", "make parts (Debian: apt-get install shellcheck)")
    shapes: tuple[dict[str, Any], ...] = ({}, {"continueSession": True, "workingDirectory": "a b'c"})
    specs = [make(agentCli="codex", model=MODEL) for make in (code_spec, docs_spec)]
    specs += [code_spec(agentCli="codex", model=MODEL, **shape) for shape in shapes]
    for number, spec in enumerate(specs):
        lay_out(tmp_path / f"rendered-{number}", task_files(world.task(spec), plain_settings()).files)
    scripts = [str(path) for path in tmp_path.glob("rendered-*/*.sh")]
    helpers = [str(path) for path in tmp_path.glob("rendered-0/*.py")]
    config = ["--config", str(plain_settings().templates.parent / "pyproject.toml"), "--no-cache"]
    for command in ([shellcheck, *scripts], [sys.executable, "-m", "ruff", "check", *config, *helpers]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
