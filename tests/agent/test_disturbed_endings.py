"""Agents that disturb the end of their attempt: work is saved and reported all the same."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from functions.runs.model.reasons import Reason
from tests.agent.conftest import SpecFactory
from tests.agent.world import WITHOUT_CAPABILITIES, World, result_line
from tests.support.python import search_path


def test_agent_that_stops_its_supervisor_is_ended_at_the_deadline(world: World, docs_spec: SpecFactory) -> None:
    agent = world.agent("echo x > x; kill -STOP $PPID; sleep 600")
    pod = world.pod(world.task(docs_spec(), deadline_seconds=8), AGENT_COMMAND=agent)
    result = pod.run()
    assert (result.outcome, result.reason) == ("failed", Reason.DEADLINE_EXCEEDED)
    assert world.remotes.files("platform", result.branch or "") == ["x"]
    assert pod.leftovers() == []


HOME = {
    "emptied": "rm -rf $HOME/.[!.]*",
    "with pipes": "rm -f $ORCHESTRATOR_RESULT; mkfifo $ORCHESTRATOR_RESULT $ORCHESTRATOR_PULL_REQUEST",
    "with a link to a pipe": "mkfifo $HOME/pipe; ln -sf $HOME/pipe $ORCHESTRATOR_START",
    "with a pipe for the mark of the ending": "mkfifo ${ORCHESTRATOR_RESULT%/*}/ending",
    "without rights": "chmod a-rwx $HOME/.attempt* $HOME",
}


@pytest.mark.parametrize("home", HOME)
def test_work_is_saved_whatever_the_agent_did_to_its_home(world: World, code_spec: SpecFactory, home: str) -> None:
    pod = world.pod(world.task(code_spec()), AGENT_COMMAND=world.agent(f"echo x > x; {HOME[home]}\n{result_line()}"))
    pod.command = [*WITHOUT_CAPABILITIES, *pod.command]
    result = pod.run()
    assert result.outcome == "succeeded", pod.log
    assert world.remotes.files("shop", result.branch or "") == ["x"]


def test_documents_are_not_committed_by_an_attempt_that_ends_while_they_are_laid_out(
    world: World, code_spec: SpecFactory
) -> None:
    for attempt, (program, words) in enumerate((("cp", "*tasks.json"), ("mkdir", "*/platform-*")), 1):
        shim = world.path / f"bin-{attempt}" / program
        shim.parent.mkdir()
        run = f'{shutil.which(program)} "$@" || exit'
        shim.write_text(f"#!/bin/bash\n{run}\n[[ $* != {words} ]] || kill -TERM $PPID\n")
        shim.chmod(0o755)
        task = world.task(code_spec(), attempt=attempt)
        result = world.pod(task, PATH=f"{shim.parent}:{search_path()}").run()
        assert (result.reason, result.branch) == (Reason.TERMINATED, None)
    assert list((world.path / "workspace").glob("shop-*/.taskmaster/tasks/tasks.json"))
    assert world.remotes.branches("shop") == ["main"]


def test_agent_succeeds_when_nobody_reads_its_log(config: Path) -> None:
    result = {"type": "result", "subtype": "success", "is_error": False, "result": "done", "num_turns": 1}
    body = f"for _ in range(2000): print('x' * 200)\nprint({json.dumps(result)!r})\n"
    (config / "agent.py").write_text(body)
    files = {"prompt": "prompt.md", "result": "result", "transcript": "transcript"}
    arguments = [part for name, file in files.items() for part in (f"--{name}", str(config / file))]
    environ = {"AGENT_COMMAND": f"{sys.executable} {config / 'agent.py'}"}
    command = [sys.executable, str(config / "agent_process.py"), *arguments, "--", "x"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout
        process.stdout.close()
        process.wait(60)
    assert json.loads((config / "result").read_text())["failure"] is None


ENDLESS = """
import subprocess, agent_process
agent_process.GRACE_SECONDS = 0.1
child = subprocess.Popen(["sleep", "600"])
agent_process.terminate(lambda: [child.pid])  # found for ever: it is not waited for
assert child.wait(20) < 0
"""


def test_process_that_cannot_be_ended_does_not_delay_saving(config: Path) -> None:
    subprocess.run([sys.executable, "-c", ENDLESS], env={"PYTHONPATH": str(config)}, check=True, timeout=30)
