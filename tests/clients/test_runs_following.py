"""`orchestrator runs logs` and `runs watch`, as processes, while rehearsed agents run.

logs --follow                   from the first line to the end of the run, over attempts; as text, or --raw
logs of ended attempts          the last, one by number, the previous; after its pod is deleted the recorded end
watch a run, in a pipe          each phase once, the agent's messages, the result; exit code 0 or 1
watch a run, on a terminal      the block is redrawn; its last state stays
watch all runs, in a pipe       a line for each change
Ctrl-C, a deleted run           exit code 130 at once; 1 with a message
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from functions.cluster.kinds import CODE_RUN, JOB, POD
from functions.local.dev.repositories import Mirror, example
from functions.local.dev.stack import Options, Stack
from functions.runs.lifecycle import states
from functions.runs.model.run import Run, parse
from tests.clients.conftest import CommandLine, Ended, environment
from tests.clients.terminal import blocks_of
from tests.support.fork_server import forked_functions
from tests.support.waiting import until

NAMESPACE = "orchestrator"
SECONDS = 90.0
"""The limit of every wait, for busy machines."""


class Machine:
    """The local stack, and the command line on it."""

    def __init__(self, stack: Stack, mirror: Mirror, folder: Path) -> None:
        self.stack, self.cluster, self._mirror = stack, stack.cluster, mirror
        self._home = folder
        self.environ = {**environment(folder), "KUBECONFIG": str(stack.kubeconfig)}

    def submit(self, **changes: Any) -> str:
        url = self._mirror.url
        spec = {"repositoryUrl": url, "platformRepositoryUrl": url, "githubUser": "octocat", "model": "claude-x"}
        body = json.dumps(spec | {"service": f"s-{uuid.uuid4().hex[:8]}", "taskId": 1} | changes)
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        url = self.stack.functions["submit_code"]
        answer = urllib3.request("POST", url, body=body, headers=headers, retries=False, timeout=30)
        assert answer.status == 201, answer.data
        return str(json.loads(answer.data)["data"]["name"])

    def run(self, name: str) -> Run:
        return parse(self.cluster.get(CODE_RUN, NAMESPACE, name))

    def until(self, name: str, wanted: Callable[[Run], bool]) -> Run:
        return until(
            lambda: run if wanted(run := self.run(name)) else None,
            SECONDS,
            lambda: f"{name} is {self.run(name).status}",
        )

    def finished(self, name: str) -> Run:
        return self.until(name, lambda run: states.state(run.status) in states.FINISHED)

    def forget(self, job: str) -> None:
        """Delete a Job, and wait until its pod is gone."""
        self.cluster.delete(JOB, NAMESPACE, job, self.cluster.get(JOB, NAMESPACE, job)["metadata"]["uid"])
        end = time.monotonic() + SECONDS
        while list(self.cluster.list(POD, NAMESPACE, f"job-name={job}")):
            assert time.monotonic() < end
            time.sleep(0.05)

    def start(self, *arguments: str, **streams: Any) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "functions.clients", "runs", *arguments]
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.Popen(command, env=self.environ, cwd=self._home, text=True, **given)

    def ended(self, process: "subprocess.Popen[str]") -> Ended:
        out, err = process.communicate(timeout=SECONDS)
        assert "Traceback" not in err, err
        return Ended(process.returncode, out, err)

    def runs(self, *arguments: str) -> Ended:
        return self.ended(self.start(*arguments))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    (folder / "mirrors").mkdir()
    environ = {"PATH": os.environ["PATH"], "REHEARSAL_SECONDS": "1", "ORCHESTRATOR_JOB__MAX_RETRIES": "0"}
    mirror = example(folder / "mirrors")
    stack = Stack(Options(folder / "state", sweep_seconds=1, environ=environ), [mirror])
    try:
        with forked_functions():
            stack.start()
        yield Machine(stack, mirror, folder)
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def finished(machine: Machine) -> str:
    """Return the name of a run with two finished attempts, with a log each."""
    name = machine.submit()
    machine.finished(name)
    assert machine.runs("retry", name, "-m", "again").code == 0
    machine.until(name, lambda run: run.status.attempt == 2)
    machine.finished(name)
    return name


@dataclass(frozen=True)
class Viewed:
    """The output of three commands that follow one run from before its first log line to its end."""

    name: str
    log: Ended
    watched: Ended
    drawn: str
    """The output of `runs watch` on a terminal."""


@pytest.fixture(scope="module")
def viewed(machine: Machine) -> Viewed:
    name = machine.submit()
    ours, theirs = pty.openpty()
    drawing = machine.start("watch", name, stdout=theirs)
    os.close(theirs)
    with machine.start("logs", name, "--follow") as following, machine.start("watch", name) as watching, drawing:
        drawn = _read(ours)
        assert drawing.wait(SECONDS) == 0
        assert drawing.stderr
        assert "Traceback" not in drawing.stderr.read()
        return Viewed(name, machine.ended(following), machine.ended(watching), drawn)


def test_logs_follow_prints_the_whole_log_to_the_end_of_the_run(viewed: Viewed) -> None:
    name, result = viewed.name, viewed.log
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert sum("[rehearsal] started" in line for line in lines) == 1
    assert lines[-1].startswith("[attempt] succeeded: Completed")
    assert not [line for line in lines if line.startswith("{")]
    assert result.err.splitlines()[-1].startswith(f"{name}: Succeeded: pushed ")


def test_logs_are_those_of_the_last_or_the_named_attempt(machine: Machine, finished: str) -> None:
    last, first, before = (machine.runs("logs", finished, *more).out for more in ((), ("--attempt", "1"), ("-p",)))
    assert "attempt=2" in last
    assert "attempt=1" in first
    assert first == before
    followed = machine.runs("logs", finished, "--follow", "--attempt", "1")
    assert followed.out == first
    raw = machine.runs("logs", finished, "--raw").out.splitlines()
    assert "result" in [json.loads(line)["type"] for line in raw if line.startswith("{")]
    assert machine.runs("logs", finished, "--raw", "--tail", "2").out.splitlines() == raw[-2:]
    missing = machine.runs("logs", finished, "--attempt", "7")
    assert (missing.code, "there are 1, 2" in missing.err) == (1, True)
    assert machine.runs("logs", finished, "--attempt", "1", "--previous").code == 2
    job = machine.run(finished).status.attempts[0].job_name
    machine.forget(job)
    gone = machine.runs("logs", finished, "--attempt", "1")
    assert (gone.code, gone.out) == (1, "")
    assert f"the pod of attempt 1 of run {finished} is gone" in gone.err
    assert "It ended as Completed: pushed agents/" in gone.err


def test_watch_in_a_pipe_prints_a_successful_run_to_its_end(viewed: Viewed) -> None:
    name, watched = viewed.name, viewed.watched
    assert watched.code == 0, watched.err
    lines = watched.out.splitlines()
    assert lines[0].startswith(f"Run        CodeRun/{name}: Task 1 of s-")
    phases = [line.split()[0] for line in lines if not line.startswith("agent ")]
    assert phases[-3:] == ["Running", "Succeeded", "Usage"]
    assert len([line for line in lines if line.startswith("Running ")]) == 1
    assert sum("[rehearsal] started" in line for line in lines) == 1
    assert "agent      result: Written by the rehearsal agent" in watched.out
    assert lines[-1] == "Usage      $0.00, 6 turns, 0/0 tokens in/out"
    assert f"next: see what changed with: orchestrator runs diff {name}; then open a pull request from" in watched.err


def test_watch_exits_with_1_if_the_run_is_cancelled(machine: Machine) -> None:
    name = machine.submit(taskId=2)
    with machine.start("watch", name) as watching:
        machine.until(name, lambda run: run.status.phase == "Running")
        assert machine.runs("cancel", name).code == 0
        result = machine.ended(watching)
    assert result.code == 1
    assert "\nCancelled " in result.out
    assert "next: try again with: orchestrator runs retry" in result.err


def test_ctrl_c_ends_a_view_but_not_the_run(machine: Machine) -> None:
    name = machine.submit(taskId=3)
    for arguments in (("watch", name), ("logs", name, "--follow")):  # a view of all runs is tested below
        with machine.start(*arguments) as watching:
            _see(watching)
            watching.send_signal(signal.SIGINT)
            result = machine.ended(watching)
        assert result.code == 130, (arguments, result.err)
    assert machine.finished(name).status.phase == "Succeeded"


def test_watch_of_all_runs_prints_a_line_per_change_in_a_pipe(machine: Machine, finished: str) -> None:
    with machine.start("watch", "--kind", "code") as watching:
        name = machine.submit(taskId=1)
        machine.finished(name)
        raw = machine.cluster.get(CODE_RUN, NAMESPACE, name)
        machine.cluster.delete(CODE_RUN, NAMESPACE, name, raw["metadata"]["uid"])
        assert watching.stdout
        lines = []
        for line in watching.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith(f"code/{name} ") and line.endswith("  deleted\n"):
                break
        watching.send_signal(signal.SIGINT)
        assert machine.ended(watching).code == 130
    mine = [line.split("  ")[2] for line in lines if name in line]
    assert mine.index("Running") < mine.index("Succeeded") < mine.index("deleted")
    assert len(lines) == len(set(lines))
    assert not [line for line in lines if finished in line]


def test_watch_ends_if_the_run_is_deleted(machine: Machine) -> None:
    name = machine.submit(taskId=2)
    with machine.start("watch", name) as watching:
        _see(watching)
        run = machine.until(name, lambda run: run.status.phase == "Running")
        machine.cluster.delete(CODE_RUN, NAMESPACE, name, run.uid)
        result = machine.ended(watching)
    assert result.code == 1
    assert f"run {name} was deleted" in result.err


def test_watch_on_a_terminal_redraws_a_block_that_stays(viewed: Viewed) -> None:
    blocks = blocks_of(viewed.drawn.replace("\r\n", "\n"))
    assert len(blocks) > 3
    assert all(block.startswith("Task 1 of s-") for block in blocks)
    last = blocks[-1].splitlines()
    assert last[1].startswith(f"CodeRun/{viewed.name} in orchestrator")
    assert last[2].startswith("Succeeded  Completed: pushed")
    assert re.match(r"attempt 1   \d+s   \$0\.00 so far, 6 turns", last[3])
    assert last[-2].strip().startswith("[attempt] succeeded: Completed")
    assert "Ctrl-C" in blocks[0]
    assert "Ctrl-C" not in blocks[-1]


def _see(process: "subprocess.Popen[str]") -> None:
    """Wait for the first line of the process."""
    assert process.stdout
    assert process.stdout.readline()


def _read(terminal: int) -> str:
    """Return everything written to the terminal until its other end is closed."""
    found = b""
    with suppress(OSError):  # Linux raises EIO when the other end is closed
        while piece := os.read(terminal, 65_536):
            found += piece
    os.close(terminal)
    return found.decode()


def test_completion_offers_names_of_runs(machine: Machine, finished: str, cli: CommandLine) -> None:
    result = cli(
        environ={
            **machine.environ,
            "_ORCHESTRATOR_COMPLETE": "bash_complete",
            "COMP_WORDS": f"orchestrator runs get {finished[:8]}",
            "COMP_CWORD": "3",
        }
    )
    assert f"plain,{finished}" in result.out.split()
