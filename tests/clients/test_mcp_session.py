"""The tools of `orchestrator-mcp`, with the real submit functions.

tools                         names and schemas, generated from the spec's model
each tool                     does the same as the command; returns every used parameter, structured and as text
a task requested twice        refused with the name of the unfinished run; found again by its key
"""

from typing import Any

import pytest

from functions.clients.mcp.arguments import schema
from functions.clients.mcp.task_tools import NOT_OFFERED, Code, Docs
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from tests.clients.conftest import URL, Functions, Repository
from tests.clients.place import Namespace, condition, ended
from tests.clients.session import Session, in_session

SPEC = {"service": "shop", "githubUser": "octocat", "repositoryUrl": URL, "platformRepositoryUrl": URL}


def test_tools_have_descriptions_schemas_and_hints(environ: dict[str, str]) -> None:
    async def work(session: Session) -> None:
        tools = {each.name: each for each in (await session.client.list_tools()).tools}
        assert list(tools) == ["task_docs", "task_code", "list_runs", "get_run", "stop_run", "retry_run"]
        for each in tools.values():
            assert each.description
            assert each.input_schema["type"] == "object"
            assert (
                not {"anyOf", "oneOf", "allOf"} & each.input_schema.keys()
            )  # APIs of models reject them at the top level
            assert all(field["description"] for field in each.input_schema["properties"].values())
        code = tools["task_code"].input_schema
        assert code["required"] == []
        assert {"taskId", "issue", "prompt", "service"} <= code["properties"].keys()
        assert code["properties"]["toolConfig"]["enum"] == ["minimal", "default", "advanced"]
        assert code["properties"]["taskId"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]
        assert (code["properties"]["taskId"]["minimum"], code["properties"]["taskId"]["maxLength"]) == (1, 40)
        assert code["properties"]["maxCostUsd"]["exclusiveMinimum"] == 0
        hints = {name: each.annotations for name, each in tools.items() if each.annotations}
        reading = [name for name, hint in hints.items() if hint.read_only_hint]
        assert reading == ["list_runs", "get_run"]
        assert [name for name, hint in hints.items() if hint.destructive_hint] == ["stop_run"]

    in_session(environ, work)


@pytest.mark.parametrize(("arguments", "spec"), [(Docs, DocsRunSpec), (Code, CodeRunSpec)])
def test_every_field_of_a_spec_is_a_parameter(arguments: Any, spec: Any) -> None:
    offered = set(schema(arguments)["properties"])
    fields = {field.alias for name, field in spec.model_fields.items() if name not in (*NOT_OFFERED, "task")}
    assert fields - offered == set()
    assert not {"cancel", "contextVersion"} & offered


def test_task_code_creates_one_run_per_key_and_none_if_dry(environ: dict[str, str], functions: Functions) -> None:
    async def work(session: Session) -> None:
        first = await session.does("task_code", taskId=7, idempotencyKey="mcp-1", maxTurns=9, **SPEC)
        again = await session.does("task_code", taskId=7, idempotencyKey="mcp-1", maxTurns=9, **SPEC)
        assert (first["uid"], first["repeated"], again["repeated"]) == (again["uid"], False, True)
        used = first["parameters"]
        assert used | {**SPEC, "taskId": 7, "maxTurns": 9, "idempotencyKey": "mcp-1", "toolConfig": "default"} == used
        assert (used["model"], first["found"]) == ("sonnet", {"model": "setting models.code"})
        assert functions.runs("CodeRun")[first["name"]]["spec"]["maxTurns"] == 9
        assert [step.split()[0] for step in session.steps[:2]] == ["model", "asking"]
        beside = await session.fails("task_code", taskId=7, **SPEC)
        assert f"an unfinished run has this task: {first['name']}" in beside
        assert "for a second run beside it give idempotencyKey" in beside
        before = set(functions.runs("CodeRun"))
        dry = await session.does("task_code", taskId=7, dryRun=True, **SPEC)
        assert (dry["dryRun"], dry["parameters"]["taskId"], dry["parameters"]["dryRun"]) == (True, 7, True)
        assert set(functions.runs("CodeRun")) == before

    in_session(environ, work)


def test_task_docs_copies_commits_and_pushes(
    environ: dict[str, str], functions: Functions, repository: Repository
) -> None:
    repository.write(".taskmaster/tasks/task_001.txt", "One.\n")
    repository.write("other.txt", "not of Task Master\n")

    async def work(session: Session) -> None:
        answer = await session.does("task_docs", directory=str(repository.path))
        assert answer["parameters"]["sourceBranch"] == "main"
        assert answer["parameters"]["githubUser"] == "octocat"
        assert answer["parameters"]["directory"] == str(repository.path)
        assert answer["kind"] == "DocsRun"
        assert answer["name"] in functions.runs("DocsRun")
        assert {"copied", "committed", "pushing", "asking"} <= {step.split()[0] for step in session.steps if step}

    in_session(environ, work)
    copied = {".taskmaster/docs/task-1/task.txt", ".taskmaster/tasks/task_001.txt"}
    assert repository.files("main") == copied


def test_task_docs_accepts_working_directory_beside_or_in_place_of_directory(
    environ: dict[str, str], functions: Functions, repository: Repository
) -> None:
    path = repository.path

    async def work(session: Session) -> None:
        absolute = await session.does("task_docs", workingDirectory=str(path), dryRun=True)
        beside = await session.does("task_docs", directory=str(path.parent), workingDirectory=path.name, dryRun=True)
        assert [answer["parameters"]["directory"] for answer in (absolute, beside)] == [str(path)] * 2
        nowhere = await session.fails("task_docs", directory=str(path), workingDirectory="nowhere")
        assert nowhere.startswith(f"workingDirectory: '{path}/nowhere' is not a directory")

    in_session(environ, work)


def test_tools_list_show_stop_and_retry_runs(environ: dict[str, str], namespace: Namespace) -> None:
    namespace.put("api-1", status={"phase": "Running", "conditions": condition("Unknown", "Running")})
    namespace.put("api-2", status=ended("Failed", "AgentError", message="it gave up"), service="web")
    namespace.put("docs-1", "DocsRun", ended("Failed", "NoReport"))

    async def work(session: Session) -> None:
        listed = await session.does("list_runs", limit=2)
        assert (listed["total"], len(listed["runs"])) == (3, 2)
        assert listed["parameters"] == {"namespace": namespace.name, "limit": 2}
        failed = await session.does("list_runs", kind="code", phase="Failed", service="web")
        assert [run["name"] for run in failed["runs"]] == ["api-2"]
        shown = await session.does("get_run", name="api-2", logLines=5)
        assert (shown["reason"], shown["message"], shown["parameters"]["name"]) == (
            "AgentError",
            "it gave up",
            "api-2",
        )
        ways = ("get_run with logLines", "retry_run, with a message about what to do differently")
        assert shown["next"] == f"find the cause with: {ways[0]}; then try again with: {ways[1]}"
        assert (shown["log"], "no attempt yet" in shown["noLog"]) == ([], True)
        again = await session.does("retry_run", name="api-2", message="use the new API", replace=True)
        assert (again["spec"]["contextVersion"], again["spec"]["promptMode"]) == (2, "replace")
        assert again["parameters"] | {"message": "use the new API", "replace": True} == again["parameters"]
        stopped = await session.does("stop_run", name="code/api-1")
        assert stopped["spec"]["cancel"] is True
        assert "not finished (Running)" in await session.fails("retry_run", name="api-1")
        assert "submit it again" in await session.fails("retry_run", name="docs-1")
        assert "already finished" in await session.fails("stop_run", name="docs-1")
        missing = await session.fails("get_run", name="nope")
        assert f"no DocsRun or CodeRun 'nope' in namespace {namespace.name}" in missing
        assert "list_runs shows all runs" in missing

    in_session(environ, work)
