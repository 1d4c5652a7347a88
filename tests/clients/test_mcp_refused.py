"""Errors of the tools of `orchestrator-mcp`: each has cause and remedy, and nothing is changed.

wrong arguments         every wrong parameter is named, with the valid ones
no server, no cluster   the unreachable address, and the key to repeat the request with
no configuration        the variable to set
a wrong token           the variable that has it
"""

import json
from pathlib import Path

from tests.clients.conftest import URL, Functions, served
from tests.clients.session import Session, in_session

SPEC = {"service": "shop", "githubUser": "octocat", "repositoryUrl": URL, "platformRepositoryUrl": URL}


def test_every_wrong_argument_is_named_and_no_run_is_created(environ: dict[str, str], functions: Functions) -> None:
    before = set(functions.runs("CodeRun"))

    async def work(session: Session) -> None:
        wrong = (await session.fails("task_code", taskId=0, service="Shop", tasks="x", model=3)).splitlines()
        assert [line.partition(":")[0] for line in wrong] == ["model", "taskId", "service", "tasks", "parameters"]
        both = await session.fails("task_code", taskId=1, githubApp="5DLabs-Rex", **SPEC)
        assert "exactly one of githubUser and githubApp" in both
        assert "exactly one of taskId, issue and prompt" in await session.fails("task_code", service="shop")
        assert "directory: 'shop' must be an absolute path" in await session.fails("task_docs", directory="shop")
        assert "is not a directory" in await session.fails("task_docs", directory="/nowhere/at/all")
        assert "phase: must be 'Pending'" in await session.fails("list_runs", phase="Done")
        assert "replace: give the message" in await session.fails("retry_run", name="x", replace=True)
        assert "message: must have" in await session.fails("retry_run", name="x", message="x" * 32_001)
        assert "there is no tool 'delete_run'; there are task_docs" in await session.fails("delete_run")
        here = await session.fails("task_code", taskId=1, service="shop")  # neither a git repository nor a URL
        assert "not a git repository" in here
        assert "or give repositoryUrl" in here

    in_session(environ, work)
    assert set(functions.runs("CodeRun")) == before


def test_a_server_that_is_down_is_reported_with_a_remedy(environ: dict[str, str], functions: Functions) -> None:
    config = json.loads(functions.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
    away = Path(environ["HOME"]) / "away"
    away.write_text(json.dumps(config))
    down = {**environ, "ORCHESTRATOR_API_URL": "http://127.0.0.1:9", "KUBECONFIG": str(away)}

    async def work(session: Session) -> None:
        refusal = await session.fails("task_code", taskId=1, **SPEC)
        assert "http://127.0.0.1:9/submit_code cannot be reached" in refusal
        assert "no run was created" in refusal
        assert "is the cluster up" in await session.fails("list_runs")
        # The progress messages announce each wait between tries.
        assert sum("trying again" in step for step in session.steps) >= 3

    in_session(down, work)


def test_missing_configuration_is_named(environ: dict[str, str]) -> None:
    nowhere = {name: text for name, text in environ.items() if name not in ("ORCHESTRATOR_API_URL", "KUBECONFIG")}

    async def work(session: Session) -> None:
        assert "ORCHESTRATOR_API_URL" in await session.fails("task_code", taskId=1, **SPEC)
        assert "KUBECONFIG" in await session.fails("get_run", name="x")

    in_session(nowhere, work)


def test_a_wrong_token_is_reported_with_the_variable_to_set(environ: dict[str, str], functions: Functions) -> None:
    tokens = {"ORCHESTRATOR_AUTH__MODE": "bearer", "ORCHESTRATOR_AUTH__TOKENS": '{"ann": "right-0123456789"}'}
    with served(functions.child("submit_code", **tokens)) as urls:
        given = {
            **environ,
            "ORCHESTRATOR_API_URL": f"submit_code={urls['submit_code']}",
            "ORCHESTRATOR_TOKEN": "wrong",
        }

        async def work(session: Session) -> None:
            refusal = await session.fails("task_code", taskId=1, **SPEC)
            assert "answered 403" in refusal
            assert "ORCHESTRATOR_TOKEN" in refusal

        in_session(given, work)
