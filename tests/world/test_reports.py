"""A readable report is written for any output of an agent CLI and any text of an agent.

The scripts that read the agent's output and write the report are called as the container script calls them.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.runs.model import report
from functions.runs.model.reasons import Reason
from tests.support.python import search_path

SAVED: dict[str, Any] = {
    **dict.fromkeys(("branch", "commit", "earlier")),
    **dict.fromkeys(("reason", "message"), ""),
    **{name: {} for name in ("refused", "withheld", "saved", "unsaved")},
}
WELL = {"failure": None, "words": "NO_CHANGES: it is there"}


def run(config: Path, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": search_path(), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(config), "ORCHESTRATOR_MODEL": "m"}
    return subprocess.run(
        [sys.executable, *command], env=environ, capture_output=True, encoding="utf-8", timeout=60, **options
    )


def reported(config: Path, result: bytes, saved: dict[str, Any], pull_request: bytes = b"") -> report.Report:
    """Return the report of an attempt with that result of its agent."""
    files = {name: config.parent / name for name in ("result", "saved", "pull-request", "output")}
    files["result"].write_bytes(result)
    files["saved"].write_text(json.dumps(SAVED | saved))
    files["pull-request"].write_bytes(pull_request)
    given = {"reason": "", "message": "", "base": "main", "session": "ours"} | files
    arguments = [f"--{name}={value}" for name, value in given.items()]
    done = run(config, str(config / "attempt_report.py"), *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    found = report.read(files["output"].read_text())
    assert found, files["output"].read_text()
    assert (done.returncode == 0) == (found.outcome == "succeeded")
    return found


ODD: dict[str, dict[str, Any]] = {
    "a session's id that is a number": {"sessionId": 12345},
    "a long id of a session": {"sessionId": "s" * 5000},
    "a long name of a model": {"model": "m" * 5000},
    "half of a pair of surrogates": {"words": "NO_CHANGES: \ud800", "notes": ["\udfff"], "model": "\ud800"},
    "a negative amount": {"usage": {"costUsd": -1, "turns": -3}},
    "a fraction of a turn": {"usage": {"turns": 1.5}},
    "an amount that is no number": {"usage": {"costUsd": float("nan"), "turns": "three"}},
    "a very large amount": {"usage": {"costUsd": 1e300, "turns": 10**30}},
    "a usage that is a list": {"usage": [1]},
    "many empty lines": {"words": "\n" * 200_000 + "x\nNO_CHANGES: it is there"},
}


@pytest.mark.parametrize("oddity", ODD)
def test_result_with_unexpected_values_is_reported(config: Path, oddity: str) -> None:
    result = reported(config, json.dumps(WELL | ODD[oddity]).encode(), {})
    assert (result.outcome, result.reason) == ("succeeded", Reason.NO_CHANGES)


@pytest.mark.parametrize("text", [b"", b"no JSON", b"[]", b"\xff\xfe"])
def test_unreadable_result_is_reported(config: Path, text: bytes) -> None:
    result = reported(config, text, {})
    assert (result.outcome, result.reason) == ("failed", Reason.AGENT_ERROR)


@pytest.mark.parametrize("text", [b"\xff\xfe", b"https://" + b"p" * 5000])
def test_unusable_pull_request_address_is_left_out(config: Path, text: bytes) -> None:
    result = reported(config, json.dumps(WELL).encode(), {"branch": "agents/r1-3b2c1"}, text)
    assert (result.reason, result.pull_request_url) == (Reason.COMPLETED, None)
    assert "No pull request was opened" in result.message


@pytest.mark.parametrize("group", ["saved", "unsaved", "withheld", "refused"])
@pytest.mark.parametrize("words", ["NO_CHANGES: " + "because " * 1000, "done"])
def test_long_message_does_not_displace_the_names_of_saved_work(config: Path, group: str, words: str) -> None:
    failure = None if words != "done" else ["AgentError", "it failed " * 1000]
    result = reported(config, json.dumps({"failure": failure, "words": words}).encode(), {group: {"stash": "where"}})
    assert "where" in result.message


def ended(config: Path, exit_code: int, *lines: str) -> dict[str, Any]:
    """Return the result that is read from the lines of Claude Code."""
    program = "import sys, json, agent_cli; r = agent_cli.Reader()\nfor line in sys.stdin: r.read(line)\n"
    done = run(config, "-c", f"{program}print(json.dumps(r.outcome({exit_code})))", input="".join(lines))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def line(**fields: Any) -> str:
    return json.dumps({"type": "result", "is_error": False, "result": "done", "num_turns": 1} | fields) + "\n"


@pytest.mark.parametrize("words", ["The endpoint answers 401 unauthorized.", "Added a rate limit.", "503 is handled."])
def test_agents_text_does_not_determine_the_failure_reason(config: Path, words: str) -> None:
    reason, message = ended(config, 1, line(result=words))["failure"]
    assert reason == "AgentError"
    assert f"ended with exit code 1 after its result: {words}" in message


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL (as when memory runs out)"), (11, "SIGSEGV"), (99, "99")])
def test_signal_that_ended_the_agent_is_named(config: Path, number: int, name: str) -> None:
    reason, message = ended(config, -number, "starting\n")["failure"]
    assert reason == "AgentError"
    assert f"was killed by {'signal ' if name == '99' else ''}{name}: starting" in message


def test_event_after_other_output_on_its_line_is_read(config: Path) -> None:
    assert ended(config, 0, f"progress 50%{line()}")["failure"] is None
