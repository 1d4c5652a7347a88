"""What an agent says in its stream, for people: the lines of a pod's log without their wrapping.

A log holds the container script's own lines and the agent CLI's stream, one JSON object a line: that of Claude Code
(`--output-format stream-json`) or of Codex (`exec --json`). What is in neither is shown as it is. All of it is text
from a container that ran foreign code: nothing in it may move a terminal's cursor.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LONGEST = 200
"""Characters of a tool's input or result that are shown."""

_TELLING = ("command", "file_path", "path", "pattern", "url", "query", "description", "prompt")
"""Inputs of tools of which one says what a call is about."""


@dataclass
class SessionTotals:
    """What a session came to so far, as its stream tells it."""

    turns: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """None until the agent CLI tells it, which Claude Code does at its end, and Codex never."""
    _tokens: dict[str, int] = field(default_factory=dict)

    def read(self, line: str) -> str:
        """Counts a line of the log; returns it for people, empty where it says nothing to them."""
        message = _object(line)
        if message is None:
            return clean(line)
        self._count(message)
        return clean("\n".join(filter(None, _said(message))))

    def _count(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "assistant", "message": {"id": str(name), "usage": {"output_tokens": int(tokens)}}}:
                self._tokens[name] = tokens  # a message comes in several lines, each with the count so far
                self.turns, self.output_tokens = len(self._tokens), sum(self._tokens.values())
            case {"type": "result", "total_cost_usd": int(cost) | float(cost)}:
                self.cost_usd = float(cost)
                self.turns = _number(message.get("num_turns")) or self.turns
            case {"type": "turn.completed", "usage": {"output_tokens": int(tokens)}}:
                self.turns, self.output_tokens = self.turns + 1, self.output_tokens + tokens


def readable(line: str) -> str:
    """A line of a pod's log for people; empty where it says nothing to them."""
    return SessionTotals().read(line)


def clean(text: str) -> str:
    """The text without what a terminal would obey; line ends and tabs stay."""
    return "".join(each for each in text if each.isprintable() or each in "\n\t")


def short(text: str, longest: int = LONGEST) -> str:
    """The text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and "type" in found else None


def _said(message: dict[str, Any]) -> Iterator[str]:
    """What a message says; one of a kind nobody knows says nothing."""
    match message:
        case {"type": "system", "subtype": "init"}:
            yield f"session {message.get('session_id')} with model {message.get('model')}"
        case {"type": "assistant", "message": {"content": [*parts]}}:
            yield from (_part(part) for part in parts if isinstance(part, dict))
        case {"type": "user", "message": {"content": [*parts]}}:
            yield from (_result(part) for part in parts if isinstance(part, dict))
        case {"type": "result"}:
            yield _ending(message)
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
    """What a tool's input is about: its telling part, else all of it."""
    if not isinstance(given, dict):
        return ""
    told = next((given[key] for key in _TELLING if isinstance(given.get(key), str)), None)
    return short(told if told is not None else json.dumps(given, ensure_ascii=False))


def _result(part: dict[str, Any]) -> str:
    if part.get("type") != "tool_result":
        return ""
    content = part.get("content")
    if isinstance(content, list):
        content = "\n".join(str(each.get("text", "")) for each in content if isinstance(each, dict))
    lines = str(content or "").strip().splitlines() or ["(nothing)"]
    more = f" (first of {len(lines)} lines)" if len(lines) > 1 else ""
    return f"  {'failed: ' if part.get('is_error') else ''}{short(lines[0])}{more}"


def _ending(message: dict[str, Any]) -> str:
    text = str(message.get("result") or message.get("subtype") or "").strip()
    facts = [
        f"{turns} turns" if (turns := _number(message.get("num_turns"))) else "",
        f"${cost:.2f}" if isinstance(cost := message.get("total_cost_usd"), int | float) else "",
    ]
    told = ", ".join(filter(None, facts))
    return f"{'error' if message.get('is_error') else 'result'}: {text}" + (f" ({told})" if told else "")


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
            listed = changes if isinstance(changes, list) else []
            paths = [str(each.get("path")) for each in listed if isinstance(each, dict)]
            return f"> edits {short(', '.join(paths))}"
    return ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
