"""Format the log of an agent's pod as readable text.

The container ran foreign code, so control characters are removed: they could move a terminal's cursor.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from functions.views import stream
from functions.views.stream import Entry, Message, Note, Problem, Result, SessionStart, ToolCall, ToolResult

LONGEST = 200
"""Maximum number of characters shown of a tool's input or result."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""Control sequences of terminals (ECMA-48): CSI, OSC and two-character ones."""


@dataclass
class SessionTotals:
    """Usage of a session so far, from its stream."""

    turns: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """None until the agent CLI reports it: Claude Code at the end, Codex never."""
    _tokens: dict[str, int] = field(default_factory=dict)

    def read(self, line: str) -> str:
        """Add a line of the log to the totals; return it as readable text, empty if it shows nothing."""
        return as_text(self.entries(line))

    def entries(self, line: str) -> list[Entry]:
        """Add a line of the log to the totals; return what it shows."""
        message = stream.message(line)
        if message is None:
            return [Note(line)]
        self._count(message)
        return list(stream.of_message(message))

    def _count(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "assistant", "message": {"id": str(name), "usage": {"output_tokens": int(tokens)}}}:
                self._tokens[name] = tokens  # a message spans several lines, each with the count so far
                self.turns, self.output_tokens = len(self._tokens), sum(self._tokens.values())
            case {"type": "result", "total_cost_usd": int(cost) | float(cost)}:
                self.cost_usd = float(cost)
                self.turns = stream.number(message.get("num_turns")) or self.turns
            case {"type": "turn.completed", "usage": {"output_tokens": int(tokens)}}:
                self.turns, self.output_tokens = self.turns + 1, self.output_tokens + tokens


def readable(line: str) -> str:
    """Return a line of a pod's log as readable text; empty if it shows nothing."""
    return SessionTotals().read(line)


def as_text(entries: list[Entry]) -> str:
    """Return entries of the stream as lines of text without control characters."""
    return clean("\n".join(filter(None, map(_text, entries))))


def clean(text: str) -> str:
    """Return the text without control sequences of terminals and control characters, except line feeds and tabs."""
    if text.isprintable():  # as most texts are
        return text
    kept = _SEQUENCE.sub("", text)
    return "".join(character for character in kept if character.isprintable() or character in "\n\t")


def short(text: str, longest: int = LONGEST) -> str:
    """Return the text as one line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _text(entry: Entry) -> str:
    match entry:
        case Note(text) | Message(text):
            return text
        case SessionStart(session, model):
            return f"session {session} with model {model}"
        case ToolCall():
            return _call(entry)
        case ToolResult():
            return _result(entry)
        case Result():
            return _final_result(entry)
        case Problem(text):
            return f"error: {text}"
    return ""  # what the agent thinks is not shown


def _call(call: ToolCall) -> str:
    if call.tool == stream.SHELL and call.result:
        return f"> {short(call.about)} (exit code {call.result.exit_code})"
    return f"> {call.tool} {short(call.about)}".rstrip()


def _result(result: ToolResult) -> str:
    lines = result.text.strip().splitlines() or ["(nothing)"]
    more = f" (first of {len(lines)} lines)" if len(lines) > 1 else ""
    return f"  {'failed: ' if result.failed else ''}{short(lines[0])}{more}"


def _final_result(result: Result) -> str:
    facts = [
        f"{result.turns} turns" if result.turns else "",
        f"${result.cost_usd:.2f}" if result.cost_usd is not None else "",
    ]
    details = ", ".join(filter(None, facts))
    return f"{'error' if result.failed else 'result'}: {result.text}" + (f" ({details})" if details else "")
