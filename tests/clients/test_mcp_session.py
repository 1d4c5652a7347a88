"""`orchestrator-mcp` as a process, in sessions of the official SDK's client, on the real submit functions.

asked for                     what is asserted
the tools                     their names, schemas a model can act on, from the spec's own model
each tool                     does the same as the command; repeats every parameter used, as structure and as text
a step that takes long        its steps as progress, the last one again and again
wrong arguments               an error of the tool that names each parameter, and those there are
no server, no token, no run   an error of the tool with cause and remedy; nothing was done
standard output               nothing but the protocol, whatever a tool or its children print; ends with its input
"""

import json
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from functions.clients.mcp.arguments import schema
from functions.clients.mcp.task_tools import NOT_OFFERED, Code, Docs
from functions.runs.specs import CodeRunSpec, DocsRunSpec
from tests.clients.conftest import Functions, Repository, environment, served
from tests.clients.place import Place, condition, ended

ROOT = Path(__file__).resolve().parents[2]
URL = "https://git.example.invalid/acme/shop.git"
SPEC = {"service": "shop", "githubUser": "octocat", "repositoryUrl": URL, "platformRepositoryUrl": URL}


class Session:
    """A session with the server; `steps` are the progress it told."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.steps: list[str] = []

    async def call(self, tool: str, **arguments: Any) -> Any:
        async def told(progress: float, total: float | None, message: str | None) -> None:
            self.steps.append(message or "")

        return await self.client.call_tool(tool, arguments, progress_callback=told)

    async def does(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured result, which the text repeats."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, result.content
        (text,) = result.content
        assert json.loads(text.text) == result.structured_content
        return dict(result.structured_content)

    async def fails(self, tool: str, **arguments: Any) -> str:
        """The text of the tool's error."""
        result = await self.call(tool, **arguments)
        assert result.is_error, result.content
        (text,) = result.content
        return str(text.text)


def in_session(environ: Mapping[str, str], work: Callable[[Session], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "functions.clients.mcp"], env=dict(environ), cwd=environ["HOME"]
        )
        async with Client(command, read_timeout_seconds=60) as client:
            await work(Session(client))

    anyio.run(run)


@pytest.fixture
def place(functions: Functions) -> Place:
    return Place(functions)


@pytest.fixture
def environ(functions: Functions, place: Place, home: Path) -> dict[str, str]:
    cluster = {"KUBECONFIG": str(functions.kubeconfig), "ORCHESTRATOR_NAMESPACE": place.name}
    return {**environment(home), **cluster, "ORCHESTRATOR_API_URL": functions.api_url}


def test_the_tools_are_described_for_a_model(environ: dict[str, str]) -> None:
    async def work(session: Session) -> None:
        tools = {each.name: each for each in (await session.client.list_tools()).tools}
        assert list(tools) == ["task_docs", "task_code", "list_runs", "get_run", "stop_run", "retry_run"]
        for each in tools.values():
            assert each.description
            assert each.input_schema["type"] == "object"
            assert not {"anyOf", "oneOf", "allOf"} & each.input_schema.keys()  # models' APIs take none at the top
            assert all(field["description"] for field in each.input_schema["properties"].values())
        code = tools["task_code"].input_schema
        assert code["required"] == ["taskId", "service"]
        assert code["properties"]["toolConfig"]["enum"] == ["minimal", "default", "advanced"]
        assert code["properties"]["taskId"] | {"description": ""} == {
            "type": "integer", "minimum": 1, "maximum": 2_147_483_647, "description": "",
        }  # fmt: skip
        assert code["properties"]["maxCostUsd"]["exclusiveMinimum"] == 0
        hints = {name: each.annotations for name, each in tools.items() if each.annotations}
        reading = [name for name, hint in hints.items() if hint.read_only_hint]
        assert reading == ["list_runs", "get_run"]
        assert [name for name, hint in hints.items() if hint.destructive_hint] == ["stop_run"]

    in_session(environ, work)


@pytest.mark.parametrize(("arguments", "spec"), [(Docs, DocsRunSpec), (Code, CodeRunSpec)])
def test_every_field_of_a_spec_can_be_given(arguments: Any, spec: Any) -> None:
    offered = set(schema(arguments)["properties"])
    fields = {field.alias for name, field in spec.model_fields.items() if name not in NOT_OFFERED}
    assert fields - offered == ({"workingDirectory"} if spec is DocsRunSpec else set())  # `directory` says it
    assert not {"cancel", "contextVersion"} & offered


def test_a_code_run_is_asked_for_once_and_dry_not_at_all(environ: dict[str, str], functions: Functions) -> None:
    async def work(session: Session) -> None:
        first = await session.does("task_code", taskId=7, idempotencyKey="mcp-1", maxTurns=9, **SPEC)
        again = await session.does("task_code", taskId=7, idempotencyKey="mcp-1", maxTurns=9, **SPEC)
        assert (first["uid"], first["repeated"], again["repeated"]) == (again["uid"], False, True)
        used = first["parameters"]
        assert used | {**SPEC, "taskId": 7, "maxTurns": 9, "idempotencyKey": "mcp-1", "toolConfig": "default"} == used
        assert (used["model"], first["found"]) == ("claude-3-5-sonnet-20241022", {"model": "setting models.code"})
        assert functions.runs("CodeRun")[first["name"]]["spec"]["maxTurns"] == 9
        assert [step.split()[0] for step in session.steps[:2]] == ["model", "asking"]
        before = set(functions.runs("CodeRun"))
        dry = await session.does("task_code", taskId=7, dryRun=True, **SPEC)
        assert (dry["dryRun"], dry["parameters"]["taskId"], dry["parameters"]["dryRun"]) == (True, 7, True)
        assert set(functions.runs("CodeRun")) == before

    in_session(environ, work)


def test_task_docs_does_the_local_steps(
    environ: dict[str, str], functions: Functions, repository: Repository
) -> None:
    repository.write(".taskmaster/tasks/task_001.txt", "One.\n")
    repository.write("other.txt", "not of Task Master\n")

    async def work(session: Session) -> None:
        told = await session.does("task_docs", directory=str(repository.path))
        assert told["parameters"]["sourceBranch"] == "main"
        assert told["parameters"]["githubUser"] == "octocat"
        assert told["parameters"]["directory"] == str(repository.path)
        assert told["kind"] == "DocsRun"
        assert told["name"] in functions.runs("DocsRun")
        assert {"copied", "committed", "pushing", "asking"} <= {step.split()[0] for step in session.steps if step}

    in_session(environ, work)
    copied = {".taskmaster/docs/task-1/task.txt", ".taskmaster/tasks/task_001.txt"}
    assert repository.files("main") == copied


def test_runs_are_listed_shown_stopped_and_tried_again(environ: dict[str, str], place: Place) -> None:
    place.put("api-1", status={"phase": "Running", "conditions": condition("Unknown", "Running")})
    place.put("api-2", status=ended("Failed", "AgentError", message="it gave up"), service="web")
    place.put("docs-1", "DocsRun", ended("Failed", "NoReport"))

    async def work(session: Session) -> None:
        listed = await session.does("list_runs", limit=2)
        assert (listed["total"], len(listed["runs"])) == (3, 2)
        assert listed["parameters"] == {"namespace": place.name, "limit": 2}
        failed = await session.does("list_runs", kind="code", phase="Failed", service="web")
        assert [run["name"] for run in failed["runs"]] == ["api-2"]
        shown = await session.does("get_run", name="api-2", logLines=5)
        assert (shown["reason"], shown["message"], shown["parameters"]["name"]) == (
            "AgentError",
            "it gave up",
            "api-2",
        )
        ways = ("get_run with logLines", "retry_run, with a message about what to do otherwise")
        assert shown["next"] == f"see why with: {ways[0]}; then try again with: {ways[1]}"
        assert (shown["log"], "no attempt yet" in shown["noLog"]) == ([], True)
        again = await session.does("retry_run", name="api-2", message="use the new API", replace=True)
        assert (again["spec"]["contextVersion"], again["spec"]["promptMode"]) == (2, "replace")
        assert again["parameters"] | {"message": "use the new API", "replace": True} == again["parameters"]
        stopped = await session.does("stop_run", name="code/api-1")
        assert stopped["spec"]["cancel"] is True
        assert "not finished (Running)" in await session.fails("retry_run", name="api-1")
        assert "submit it again" in await session.fails("retry_run", name="docs-1")
        assert "finished already" in await session.fails("stop_run", name="docs-1")
        missing = await session.fails("get_run", name="nope")
        assert f"no DocsRun or CodeRun 'nope' in namespace {place.name}" in missing
        assert "list_runs shows what there is" in missing

    in_session(environ, work)


def test_wrong_arguments_are_named_each_and_nothing_is_done(environ: dict[str, str], functions: Functions) -> None:
    before = set(functions.runs("CodeRun"))

    async def work(session: Session) -> None:
        wrong = (await session.fails("task_code", taskId=0, service="Shop", task="x", model=3)).splitlines()
        assert [line.partition(":")[0] for line in wrong] == ["model", "taskId", "service", "task", "parameters"]
        both = await session.fails("task_code", taskId=1, githubApp="5DLabs-Rex", **SPEC)
        assert "exactly one of githubUser and githubApp" in both
        assert "taskId: is required" in await session.fails("task_code", service="shop")
        assert "directory: 'shop' must be an absolute path" in await session.fails("task_docs", directory="shop")
        assert "is not a directory" in await session.fails("task_docs", directory="/nowhere/at/all")
        assert "phase: Input should be 'Pending'" in await session.fails("list_runs", phase="Done")
        assert "replace: give the message" in await session.fails("retry_run", name="x", replace=True)
        assert "message: must have" in await session.fails("retry_run", name="x", message="x" * 32_001)
        assert "there is no tool 'delete_run'; there are task_docs" in await session.fails("delete_run")
        here = await session.fails("task_code", taskId=1, service="shop")  # no git repository, and no URL
        assert "not a git repository" in here
        assert "or give repositoryUrl" in here

    in_session(environ, work)
    assert set(functions.runs("CodeRun")) == before


def test_a_server_that_is_down_is_told_with_what_to_do(environ: dict[str, str], functions: Functions) -> None:
    config = json.loads(functions.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
    away = Path(environ["HOME"]) / "away"
    away.write_text(json.dumps(config))
    down = {**environ, "ORCHESTRATOR_API_URL": "http://127.0.0.1:9", "KUBECONFIG": str(away)}

    async def work(session: Session) -> None:
        told = await session.fails("task_code", taskId=1, **SPEC)
        assert "http://127.0.0.1:9/submit_code cannot be reached" in told
        assert "idempotencyKey" in told
        assert "is the cluster up" in await session.fails("list_runs")
        # It waits between its tries, and says so.
        assert sum("trying again" in step for step in session.steps) >= 3

    in_session(down, work)


def test_missing_configuration_is_named(environ: dict[str, str]) -> None:
    nowhere = {name: text for name, text in environ.items() if name not in ("ORCHESTRATOR_API_URL", "KUBECONFIG")}

    async def work(session: Session) -> None:
        assert "ORCHESTRATOR_API_URL" in await session.fails("task_code", taskId=1, **SPEC)
        assert "KUBECONFIG" in await session.fails("get_run", name="x")

    in_session(nowhere, work)


def test_a_wrong_token_is_told_with_the_variable_to_set(environ: dict[str, str], functions: Functions) -> None:
    tokens = {"ORCHESTRATOR_AUTH__MODE": "bearer", "ORCHESTRATOR_AUTH__TOKENS": '{"ann": "right-0123456789"}'}
    with served(functions.child("submit_code", **tokens)) as urls:
        given = {
            **environ,
            "ORCHESTRATOR_API_URL": f"submit_code={urls['submit_code']}",
            "ORCHESTRATOR_TOKEN": "wrong",
        }

        async def work(session: Session) -> None:
            told = await session.fails("task_code", taskId=1, **SPEC)
            assert "answered 403" in told
            assert "ORCHESTRATOR_TOKEN" in told

        in_session(given, work)


SERVER = """
import os, pathlib, subprocess, time
from functions.clients.mcp import server
from functions.clients.mcp.arguments import Arguments
from functions.clients.mcp.tool import Result, Tool

def noisy(given, say):
    print("printed by a tool", flush=True)
    subprocess.run(["sh", "-c", "echo printed by a child; cat"], check=True)
    say("working")
    while not pathlib.Path(os.environ["HOME"], "enough").exists():
        time.sleep(0.01)
    return Result("done", {}, {})

def broken(given, say):
    raise RuntimeError("s3cret")

tools = [Tool("noisy", "Prints.", Arguments, noisy), Tool("broken", "Fails.", Arguments, broken)]
server.start(tools, still=0.1)
"""


def test_nothing_but_the_protocol_is_written_to_standard_output(environ: dict[str, str]) -> None:
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    noisy = {"name": "noisy", "arguments": {}, "_meta": {"progressToken": 5}}
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": noisy},
        {"id": 3, "method": "tools/call", "params": {"name": "broken", "arguments": {}}},
    ]
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdin.write("".join(json.dumps({"jsonrpc": "2.0", **each}) + "\n" for each in messages))
        process.stdin.flush()
        answers: list[dict[str, Any]] = []
        while not {2, 3} <= {each.get("id") for each in answers}:
            answers.append(json.loads(process.stdout.readline()))
            if _steps(answers).count("working") == 3:
                (Path(environ["HOME"]) / "enough").touch()
        out, err = process.communicate(timeout=60)  # closes its standard input
    assert (process.returncode, out) == (0, "")
    assert "printed by a tool" in err
    assert "printed by a child" in err
    (failed,) = [each["result"] for each in answers if each.get("id") == 3]
    assert failed["isError"]
    assert "s3cret" not in json.dumps(failed)
    assert "RuntimeError: s3cret" in err


def _steps(messages: list[dict[str, Any]]) -> list[str]:
    """The progress that was told."""
    return [each["params"]["message"] for each in messages if each.get("method") == "notifications/progress"]


def test_the_command_explains_itself(environ: dict[str, str]) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "functions.clients.mcp", *arguments]
        return subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    explained, wrong = run("--help"), run("serve")
    assert (explained.returncode, "ORCHESTRATOR_API_URL" in explained.stdout) == (0, True)
    assert (wrong.returncode, wrong.stdout, "takes no arguments" in wrong.stderr) == (2, "", True)
    ended_at_once = run()
    assert (ended_at_once.returncode, ended_at_once.stdout) == (0, "")
