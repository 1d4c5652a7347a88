"""The stream of an agent CLI as text for people.

lines       of Claude Code, Codex, the container script and other programs
totals      a message in several parts counts once; the cost if the stream has it
terminals   control sequences are removed
"""

import json
from typing import Any

import pytest

from functions.views.agent_output import SessionTotals, readable, short


def claude(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "session_id": "s", **fields})


def assistant(*parts: Any, name: str = "m1", tokens: int = 5) -> str:
    return claude("assistant", message={"id": name, "content": list(parts), "usage": {"output_tokens": tokens}})


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("[attempt] starts", "[attempt] starts"),
        ('{"not": "a message"}', '{"not": "a message"}'),
        ("{broken", "{broken"),
        ("[1, 2]", "[1, 2]"),
        (claude("system", subtype="init", model="claude-x"), "session s with model claude-x"),
        (claude("system", subtype="other"), ""),
        (claude("stream_event"), ""),
        (assistant({"type": "text", "text": "Two\nlines "}), "Two\nlines"),
        (assistant({"type": "tool_use", "name": "Bash", "input": {"command": "npm  test\n"}}), "> Bash npm test"),
        (assistant({"type": "tool_use", "name": "Odd", "input": {"n": 1}}), '> Odd {"n": 1}'),
        (assistant({"type": "thinking", "thinking": "hm"}), ""),
        (assistant("text", 3), ""),
        (claude("user", message={"content": [{"type": "tool_result", "content": "a\nb"}]}), "  a (first of 2 lines)"),
        (
            claude(
                "user", message={"content": [{"type": "tool_result", "is_error": True, "content": [{"text": "no"}]}]}
            ),
            "  failed: no",
        ),
        (claude("user", message={"content": "text"}), ""),
        (claude("result", result="Done.", num_turns=3, total_cost_usd=0.125), "result: Done. (3 turns, $0.12)"),
        (claude("result", subtype="error_max_turns", is_error=True), "error: error_max_turns"),
        (claude("assistant", message="x"), ""),
        (json.dumps({"type": "item.completed", "item": {"type": "agent_message", "text": "Hi"}}), "Hi"),
        (
            json.dumps(
                {"type": "item.completed", "item": {"type": "command_execution", "command": "ls", "exit_code": 2}}
            ),
            "> ls (exit code 2)",
        ),
        (
            json.dumps({"type": "item.completed", "item": {"type": "file_change", "changes": [{"path": "a.py"}]}}),
            "> edits a.py",
        ),
        (json.dumps({"type": "turn.failed", "error": {"message": "out of quota"}}), "error: out of quota"),
    ],
)
def test_a_line_of_the_stream_becomes_readable_text(line: str, text: str) -> None:
    assert readable(line) == text


def test_control_sequences_are_removed() -> None:
    for line in ("\x1b[2Jgone", assistant({"type": "text", "text": "\x1b]0;title\x07a\rb"})):
        assert not {"\x1b", "\x07", "\r"} & set(readable(line))


def test_totals_count_a_message_in_parts_once() -> None:
    tally = SessionTotals()
    for line in (assistant("x", tokens=2), assistant("x", tokens=5), assistant("x", name="m2", tokens=4)):
        tally.read(line)
    assert (tally.turns, tally.output_tokens, tally.cost_usd) == (2, 9, None)
    tally.read(claude("result", num_turns=2, total_cost_usd=1))
    assert (tally.turns, tally.cost_usd) == (2, 1.0)
    codex = SessionTotals()
    codex.read(json.dumps({"type": "turn.completed", "usage": {"output_tokens": 7}}))
    assert (codex.turns, codex.output_tokens) == (1, 7)


def test_short_text_is_one_line() -> None:
    assert short(" a\n b ", 10) == "a b"
    assert short("abcdefghijkl", 10) == "abcdefg..."
