"""One stack for all tests: functions as processes of functions-framework, rehearsals in real git repositories."""

import os
from collections.abc import Iterator
from shutil import copytree

import pytest

from functions.local.dev.pod_environ import ROOT
from functions.local.dev.repositories import example
from functions.local.dev.stack import Options, Stack
from functions.runs.model.run import Run
from tests.agent.conftest import PARTS
from tests.agent.responses_server import Responses, runs, says, serving
from tests.local.stack_bench import OPENAI_KEY, StackBench, add_agent_cli
from tests.support.fork_server import forked_functions


@pytest.fixture(scope="session")
def codex_model() -> Iterator[Responses]:
    """Yield the scripted model of Codex: it writes a file and ends. It is unused if Codex is not installed."""
    with serving(runs("echo 'print(1)' > hello.py"), says("wrote hello.py")) as model:
        yield model


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, codex_model: Responses) -> Iterator[StackBench]:
    folder = tmp_path_factory.mktemp("stack")
    templates = folder / "templates"
    copytree(ROOT / "templates", templates)
    add_agent_cli(templates, "silent", "exit 0\n")
    add_agent_cli(templates, "endless", f"sleep 300 & echo $! >>{folder}/children; wait\n")
    environ = {
        "PATH": f"{os.environ['PATH']}:{PARTS}",
        "OPENAI_API_KEY": OPENAI_KEY,
        "OPENAI_BASE_URL": codex_model.url,
        "REHEARSAL_SECONDS": "0.2",
        "REHEARSAL_LOG": str(folder / "starts"),
        "ORCHESTRATOR_TEMPLATES": str(templates),
        "ORCHESTRATOR_JOB__MAX_RETRIES": "0",
    }
    mirrors = folder / "mirrors"
    mirrors.mkdir()
    found = Stack(Options(folder / "state", sweep_seconds=1, environ=environ), [example(mirrors)])
    try:
        with forked_functions():
            found.start()
        yield StackBench(found, example(mirrors), folder)
    finally:
        found.stop()


@pytest.fixture(scope="session")
def documented(stack: StackBench) -> Run:
    """Return a finished docs run."""
    return stack.finished("DocsRun", stack.submit("submit_docs", stack.docs()))
