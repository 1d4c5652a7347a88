"""The transcript of an attempt, built line by line from its log: messages, tool calls with their results, notes. Pure.

Items have keys that stay, so that a page can replace an item that has changed: a tool call whose result has come, or a
block of notes that has grown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from functions.views.agent_output import SessionTotals
from functions.views.diff import FileDiff, of_edit
from functions.views.stream import Entry, Message, Note, Problem, Result, SessionStart, Thinking, ToolCall, ToolResult

NOTES = 200
"""Most lines of one block of notes; the next line begins another block."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Successive lines that are not of the agent CLI's stream."""

    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call, with its result once there is one."""

    call: ToolCall
    result: ToolResult | None
    diffs: tuple[FileDiff, ...]


Content = Notes | SessionStart | Message | Thinking | Call | Result | Problem


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a transcript; `key` is its place, from 0."""

    key: int
    content: Content

    @property
    def kind(self) -> str:
        """Names the content, in lower case."""
        return type(self.content).__name__.lower()


@dataclass
class Transcript:
    """The part of a log that was read so far."""

    items: list[Item] = field(default_factory=list)
    totals: SessionTotals = field(default_factory=SessionTotals)
    lines: int = 0
    """Number of lines of the log."""
    _open: dict[str, int] = field(default_factory=dict)
    """Keys of tool calls without a result, by the id of the call."""

    def read(self, lines: Iterable[str]) -> "Transcript":
        """Add lines of the log; return this transcript."""
        for line in lines:
            self.add(line)
        return self

    def add(self, line: str) -> list[int]:
        """Add a line of the log; return the keys of the items that are new or have changed."""
        self.lines += 1
        return [key for entry in self.totals.entries(line) if (key := self._add(entry)) is not None]

    def _add(self, entry: Entry) -> int | None:
        match entry:
            case Note(text):
                return self._note(text) if text.strip() else None
            case ToolResult():
                return self._result(entry)
            case ToolCall():
                key = self._append(Call(entry, entry.result, tuple(map(of_edit, entry.edits))))
                if entry.call and entry.result is None:
                    self._open[entry.call] = key
                return key
            case _:
                return self._append(entry)

    def _note(self, text: str) -> int:
        last = self.items[-1] if self.items else None
        if last and isinstance(last.content, Notes) and len(last.content.lines) < NOTES:
            return self._replace(last.key, Notes((*last.content.lines, text)))
        return self._append(Notes((text,)))

    def _result(self, result: ToolResult) -> int | None:
        key = self._open.pop(result.call, None)
        if key is None:
            return None
        content = self.items[key].content
        assert isinstance(content, Call), "only calls wait for results"
        return self._replace(key, replace(content, result=result))

    def _append(self, content: Content) -> int:
        self.items.append(Item(len(self.items), content))
        return len(self.items) - 1

    def _replace(self, key: int, content: Content) -> int:
        self.items[key] = Item(key, content)
        return key
