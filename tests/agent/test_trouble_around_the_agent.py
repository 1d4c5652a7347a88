"""Problems outside the agent: unreadable output, an unwritable transcript or workspace."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.templating.render import task_files
from tests.agent.attempts import run_attempt
from tests.agent.conftest import SpecFactory
from tests.agent.world import World
from tests.support.builders import settings

MUCH = "import sys\nfor _ in range(2000): print('x' * 200)\n"
"""More output than a pipe holds: 64 KiB (pipe(7))."""
ENDS = {"type": "result", "subtype": "success", "is_error": False, "result": "done", "num_turns": 1}


@pytest.fixture
def program(world: World, code_spec: SpecFactory, tmp_path: Path) -> Path:
    """Return a folder with the task files."""
    folder = tmp_path / "config"
    folder.mkdir()
    for name, text in task_files(world.task(code_spec()), settings()).files.items():
        (folder / name).write_text(text)
    return folder


def ended(program: Path, body: str, transcript: str | Path) -> tuple[dict[str, Any], str]:
    """Run an agent with that Python text; return its result and the log on standard error."""
    (program / "agent.py").write_text(body)
    files = {"--prompt": program / "prompt.md", "--result": program / "result", "--transcript": transcript}
    arguments = [str(part) for pair in files.items() for part in pair]
    done = subprocess.run(
        [sys.executable, "-E", "-s", program / "agent_process.py", *arguments, "--", "x"],
        env={**os.environ, "AGENT_COMMAND": f"{sys.executable} {program / 'agent.py'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads((program / "result").read_text()), done.stderr


@pytest.mark.parametrize(
    ("line", "transcript", "said"),
    [
        ("", "/dev/full", "No space left on device"),
        ("print('[' * 100000)\n", None, ""),
        ("", "/nowhere/x", "No such"),
    ],
)
def test_agent_succeeds_when_its_output_cannot_be_kept_or_parsed(
    program: Path, line: str, transcript: str | None, said: str
) -> None:
    found, log = ended(program, f"{line}{MUCH}print({json.dumps(ENDS)!r})\n", transcript or program / "transcript")
    assert found["failure"] is None
    assert said in log
    assert log.count("could not be kept") == (1 if said else 0)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (1798761600, "2027-01-01T00:00:00+00:00"),
        (1798761600000, "2027-01-01T00:00:00+00:00"),
        ("soon", None),
        (10**30, None),
        ({}, None),
    ],
)
def test_rate_limit_reset_time_is_read_in_any_unit_or_left_out(program: Path, at: Any, expected: str | None) -> None:
    limit = {"type": "rate_limit_event", "rate_limit_info": {"resetsAt": at}}
    result = {**ENDS, "is_error": True, "result": "usage limit reached"}
    body = f"print({json.dumps(limit)!r})\nprint({json.dumps(result)!r})\nraise SystemExit(1)\n"
    found, _ = ended(program, body, program / "transcript")
    assert (found["failure"][0], found["rateLimitResetAt"]) == (Reason.RATE_LIMITED, expected)


def test_malformed_result_is_an_agent_error(program: Path) -> None:
    body = f"print({json.dumps({**ENDS, 'usage': {'input_tokens': 'many'}})!r})\n"
    found, _ = ended(program, body, program / "transcript")
    assert found["failure"][0] == Reason.AGENT_ERROR
    assert "exit code 0" in found["failure"][1]


def test_full_workspace_is_a_configuration_error_that_names_the_setting(world: World, code_spec: SpecFactory) -> None:
    task = world.task(code_spec())
    pod = world.pod(task, REHEARSAL_LOG=str(world.path / "starts"))
    claims = world.path / "workspace/.orchestrator/attempts"
    claims.mkdir(parents=True)
    (claims / f"{task.job_name}.{naming.workspace_claim(task.uid, 1)}").symlink_to("/dev/full")
    result = pod.run()
    assert result.reason is Reason.CONFIGURATION_ERROR
    assert "workspace (No space left on device)" in result.message
    assert "job.workspace_size" in result.message
    assert not (world.path / "starts").exists()


def test_claims_and_transcripts_older_than_a_month_are_deleted(world: World, code_spec: SpecFactory) -> None:
    state = world.path / "workspace/.orchestrator"
    kept = {"attempts/recent": 29, "transcripts/recent": 29}
    for name, days in {"attempts/old": 32, "transcripts/old": 32, "memory/old": 32, **kept}.items():
        file = state / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        at = file.stat().st_mtime - days * 86400
        os.utime(file, (at, at))
    assert world.pod(world.task(code_spec())).run().reason is Reason.COMPLETED
    left = {str(file.relative_to(state)) for file in state.glob("*/*") if file.name in ("old", "recent")}
    assert left == {*kept, "memory/old"}


def test_documents_of_another_task_are_not_committed(world: World, code_spec: SpecFactory) -> None:
    for spec, name, attempt in ((code_spec(), "r1", 1), (code_spec(taskId=2), "r2", 1), (code_spec(), "r1", 2)):
        result = run_attempt(world, spec, f"echo {name} >> file-{name}-{attempt}", run=name, attempt=attempt)
        assert result.reason is Reason.COMPLETED
    assert world.remotes.files("shop", result.branch or "") == ["file-r1-1", "file-r1-2"]
