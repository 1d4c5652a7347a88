"""The output stream of an agent CLI as data.

A log contains lines of the container script and the agent CLI's stream, one JSON object a line: that of Claude Code
(`--output-format stream-json`) or of Codex (`exec --json`). Texts are foreign and unchanged; views that show them
escape or clean them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SHELL = "Shell"
"""Name of Codex's tool that executes commands; Claude Code's is Bash."""

_DESCRIPTIVE = ("command", "file_path", "pattern", "path", "url", "query", "description", "prompt")
"""Input fields that describe a tool call, best first."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line that is not of the agent CLI's stream."""

    text: str


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The agent CLI has opened a session."""

    session: str
    model: str


@dataclass(frozen=True, slots=True)
class Message:
    """The agent says something, in Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """The agent thinks aloud."""

    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A file that a tool call changes: `old` is replaced by `new`, or the whole file is written."""

    path: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of the tool call `call`."""

    call: str
    text: str
    failed: bool = False
    exit_code: int | None = None
    """The exit code of a command, if the agent CLI reports it."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The agent uses a tool; the result follows, or comes with it."""

    call: str
    """Joins the call and its result."""
    tool: str
    about: str
    """The command, path or query of the call; else its whole input."""
    input: str
    """The whole input as JSON; empty if `about` says everything."""
    edits: tuple[Edit, ...] = ()
    result: ToolResult | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a turn or session."""

    text: str
    failed: bool
    turns: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """An error that the agent CLI reports."""

    text: str


Entry = Note | SessionStart | Message | Thinking | ToolCall | ToolResult | Result | Problem


def message(line: str) -> dict[str, Any] | None:
    """Return the JSON object in a line of the stream; None for any other line."""
    try:
        event = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "type" in event else None


def of_message(found: dict[str, Any]) -> Iterator[Entry]:
    """Yield what a message of the stream shows."""
    match found:
        case {"type": "system", "subtype": "init"}:
            yield SessionStart(str(found.get("session_id")), str(found.get("model")))
        case {"type": "assistant", "message": {"content": [*parts]}}:
            yield from (entry for part in parts if isinstance(part, dict) for entry in _said(part))
        case {"type": "user", "message": {"content": [*parts]}}:
            yield from (_result(part) for part in parts if isinstance(part, dict) and part.get("type") == "tool_result")
        case {"type": "result"}:
            yield _end(found)
        case {"type": "item.completed", "item": {"type": str(kind)}}:
            yield from _item(kind, found["item"])
        case {"type": "turn.failed", "error": {"message": str(why)}} | {"type": "error", "message": str(why)}:
            yield Problem(why)


def number(value: object) -> int:
    """Return a value that is an integer; 0 otherwise."""
    return value if isinstance(value, int) else 0


def _said(part: dict[str, Any]) -> Iterator[Entry]:
    match part:
        case {"type": "text", "text": str(text)} if text.strip():
            yield Message(text.strip())
        case {"type": "thinking", "thinking": str(text)} if text.strip():
            yield Thinking(text.strip())
        case {"type": "tool_use", "name": str(name)}:
            given = part.get("input")
            about, rest = _about(given)
            yield ToolCall(str(part.get("id", "")), name, about, rest, _edits(given))


def _about(given: object) -> tuple[str, str]:
    """Return the descriptive field of a tool's input, and the whole input if there is more."""
    if not isinstance(given, dict):
        return "", ""
    name = next((key for key in _DESCRIPTIVE if isinstance(given.get(key), str)), None)
    if name is None:
        return json.dumps(given, ensure_ascii=False), ""
    return given[name], json.dumps(given, ensure_ascii=False, indent=2) if len(given) > 1 else ""


def _edits(given: object) -> tuple[Edit, ...]:
    """Return the changes that an input of Edit, MultiEdit or Write names (Claude Code: Tools available)."""
    match given:
        case {"file_path": str(path), "edits": [*parts]}:
            changes = (part for part in parts if isinstance(part, dict))
            return tuple(Edit(path, _text(part.get("old_string")), _text(part.get("new_string"))) for part in changes)
        case {"file_path": str(path), "old_string": str(old), "new_string": str(new)}:
            return (Edit(path, old, new),)
        case {"file_path": str(path), "content": str(new)}:
            return (Edit(path, "", new),)
    return ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _result(part: dict[str, Any]) -> ToolResult:
    content = part.get("content")
    if isinstance(content, list):
        content = "\n".join(str(item.get("text", "")) for item in content if isinstance(item, dict))
    return ToolResult(str(part.get("tool_use_id", "")), str(content or ""), failed=bool(part.get("is_error")))


def _end(found: dict[str, Any]) -> Result:
    cost = found.get("total_cost_usd")
    return Result(
        text=str(found.get("result") or found.get("subtype") or "").strip(),
        failed=bool(found.get("is_error")),
        turns=number(found.get("num_turns")),
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
    )


def _item(kind: str, item: dict[str, Any]) -> Iterator[Entry]:
    name = str(item.get("id", ""))
    match kind:
        case "agent_message":
            yield Message(str(item.get("text", "")).strip())
        case "reasoning":
            yield Thinking(str(item.get("text", "")).strip())
        case "command_execution":
            code = item.get("exit_code")
            exit_code = code if isinstance(code, int) else None
            printed = _text(item.get("aggregated_output"))
            result = ToolResult(name, printed, failed=exit_code not in (None, 0), exit_code=exit_code)
            yield ToolCall(name, SHELL, str(item.get("command", "")), "", result=result)
        case "mcp_tool_call":
            yield ToolCall(name, f"{item.get('server')}.{item.get('tool')}", "", "")
        case "file_change":
            changes = item.get("changes")
            items = changes if isinstance(changes, list) else []
            paths = [str(change.get("path")) for change in items if isinstance(change, dict)]
            yield ToolCall(name, "edits", ", ".join(paths), "")
