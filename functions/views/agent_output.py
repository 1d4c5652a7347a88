"""Format the log of an agent's pod as readable text.

A log contains lines of the container script and the agent CLI's stream, one JSON object a line: that of Claude Code
(`--output-format stream-json`) or of Codex (`exec --json`). Other lines are shown unchanged. The container ran foreign
code, so control characters are removed: they could move a terminal's cursor.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LONGEST = 200
"""Maximum number of characters shown of a tool's input or result."""

_DESCRIPTIVE = ("command", "file_path", "path", "pattern", "url", "query", "description", "prompt")
"""Input fields that describe a tool call, best first."""


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
        message = _object(line)
        if message is None:
            return clean(line)
        self._count(message)
        return clean("\n".join(filter(None, _texts(message))))

    def _count(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "assistant", "message": {"id": str(name), "usage": {"output_tokens": int(tokens)}}}:
                self._tokens[name] = tokens  # a message spans several lines, each with the count so far
                self.turns, self.output_tokens = len(self._tokens), sum(self._tokens.values())
            case {"type": "result", "total_cost_usd": int(cost) | float(cost)}:
                self.cost_usd = float(cost)
                self.turns = _number(message.get("num_turns")) or self.turns
            case {"type": "turn.completed", "usage": {"output_tokens": int(tokens)}}:
                self.turns, self.output_tokens = self.turns + 1, self.output_tokens + tokens


def readable(line: str) -> str:
    """Return a line of a pod's log as readable text; empty if it shows nothing."""
    return SessionTotals().read(line)


def clean(text: str) -> str:
    """Return the text without control characters, except line feeds and tabs."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def short(text: str, longest: int = LONGEST) -> str:
    """Return the text as one line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _object(line: str) -> dict[str, Any] | None:
    try:
        message = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return None
    return message if isinstance(message, dict) and "type" in message else None


def _texts(message: dict[str, Any]) -> Iterator[str]:
    """Yield the texts of a message; none for an unknown type."""
    match message:
        case {"type": "system", "subtype": "init"}:
            yield f"session {message.get('session_id')} with model {message.get('model')}"
        case {"type": "assistant", "message": {"content": [*parts]}}:
            yield from (_part(part) for part in parts if isinstance(part, dict))
        case {"type": "user", "message": {"content": [*parts]}}:
            yield from (_result(part) for part in parts if isinstance(part, dict))
        case {"type": "result"}:
            yield _final_result(message)
        case {"type": "item.completed", "item": {"type": str(kind)}}:
            yield _item(kind, message["item"])
        case {"type": "turn.failed", "error": {"message": str(why)}} | {"type": "error", "message": str(why)}:
            yield f"error: {why}"


def _part(part: dict[str, Any]) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text.strip()
        case {"type": "tool_use", "name": str(name)}:
            return f"> {name} {_about(part.get('input'))}".rstrip()
    return ""


def _about(given: object) -> str:
    """Return the descriptive field of a tool's input, else the whole input."""
    if not isinstance(given, dict):
        return ""
    description = next((given[key] for key in _DESCRIPTIVE if isinstance(given.get(key), str)), None)
    return short(description if description is not None else json.dumps(given, ensure_ascii=False))


def _result(part: dict[str, Any]) -> str:
    if part.get("type") != "tool_result":
        return ""
    content = part.get("content")
    if isinstance(content, list):
        content = "\n".join(str(item.get("text", "")) for item in content if isinstance(item, dict))
    lines = str(content or "").strip().splitlines() or ["(nothing)"]
    more = f" (first of {len(lines)} lines)" if len(lines) > 1 else ""
    return f"  {'failed: ' if part.get('is_error') else ''}{short(lines[0])}{more}"


def _final_result(message: dict[str, Any]) -> str:
    text = str(message.get("result") or message.get("subtype") or "").strip()
    facts = [
        f"{turns} turns" if (turns := _number(message.get("num_turns"))) else "",
        f"${cost:.2f}" if isinstance(cost := message.get("total_cost_usd"), int | float) else "",
    ]
    details = ", ".join(filter(None, facts))
    return f"{'error' if message.get('is_error') else 'result'}: {text}" + (f" ({details})" if details else "")


def _item(kind: str, item: dict[str, Any]) -> str:
    match kind:
        case "agent_message":
            return str(item.get("text", "")).strip()
        case "command_execution":
            return f"> {short(str(item.get('command', '')))} (exit code {item.get('exit_code')})"
        case "mcp_tool_call":
            return f"> {item.get('server')}.{item.get('tool')}"
        case "file_change":
            changes = item.get("changes")
            items = changes if isinstance(changes, list) else []
            paths = [str(change.get("path")) for change in items if isinstance(change, dict)]
            return f"> edits {short(', '.join(paths))}"
    return ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
