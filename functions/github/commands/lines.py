"""Finds the lines of a comment that begin with a command, as `/code 3` or, to the App, `@app code 3`. Pure.

Lines that GitHub shows as quoted or code, or does not show, are not commands: block quotes, fenced and indented code,
code spans over several lines, HTML comments. A CommonMark parser finds them as GitHub does; rules of our own would
differ in some case and run a command that was only quoted.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from functions.runs.model.kinds import BY_WORD

COMMAND_NAMES = (*BY_WORD, "retry", "cancel", "status")
"""The word of each kind of run starts one; the others are about an existing run."""

_STOP = r"[!.?\u2026\u3002\uff01\uff1f]+(?=[ \t]*(?:[\r\n]|\Z))"
"""Punctuation that may end a command without arguments, at the end of its line, as in `/cancel!`."""
_NAME = rf"(?a:({'|'.join(COMMAND_NAMES)}))(?:{_STOP}|(?!\S))"
_MENTION = r"@{app}(?:\[bot\])?[,:]?[ \t]+/?"
_ANY_MENTION = re.compile(_MENTION.format(app=r"[\w-]+") + _NAME, re.IGNORECASE)

_LINE_BREAKS = re.compile(r"\r\n?")


_BLANKS = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INVISIBLE = re.compile(r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
"""Blanks of other widths, and characters that take no room: keyboards and chat programs insert both unnoticed."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A line that begins with a command."""

    name: str
    """The command's name, one of COMMAND_NAMES."""
    arguments: str
    """The rest of the line."""
    following: str
    """The lines after it, as written, up to the next command."""


@dataclass(frozen=True, slots=True)
class _Patterns:
    command: re.Pattern[str]
    line_start: re.Pattern[str]
    """A command at the start of a line. With more indentation it looks like code, even where Markdown disagrees."""


@cache
def _patterns(app: str) -> _Patterns:
    mention = f"|{_MENTION.format(app=re.escape(app))}" if app else ""
    command = f"(?:[/\uff0f]{mention}){_NAME}"  # U+FF0F: the slash of Chinese and Japanese keyboards
    return _Patterns(re.compile(command, re.IGNORECASE), re.compile(f" {{0,3}}{command}", re.IGNORECASE))


def mentions_with_command(comment: str) -> bool:
    """Return whether the comment mentions a user in front of a command, whether or not that is the App."""
    return "@" in comment and bool(_ANY_MENTION.search(normalize(comment)))


def command_lines(comment: str, app: str = "") -> Sequence[CommandLine]:
    """Return the lines of a Markdown comment that begin with a command, in order; `app` is the App's name (slug)."""
    comment, patterns = normalize(comment), _patterns(app)
    if not patterns.command.search(comment):  # nearly every comment
        return ()
    text = _LINE_BREAKS.sub("\n", comment).replace("\0", "\N{REPLACEMENT CHARACTER}")  # as Markdown does
    lines = text.split("\n")
    commands = list(_commands(text, patterns))
    ends = [*(number for number, _, _ in commands[1:]), len(lines)]
    return [
        CommandLine(name, arguments, "\n".join(lines[number + 1 : end]))
        for (number, name, arguments), end in zip(commands, ends, strict=False)
    ]


def is_command(line: str, app: str = "") -> bool:
    """Return whether a line alone would be a command."""
    return bool(_patterns(app).line_start.match(normalize(line)))


def normalize(comment: str) -> str:
    """Return the comment as a reader sees it: every kind of blank as a space, and no invisible characters."""
    return comment if comment.isascii() else _INVISIBLE.sub("", _BLANKS.sub(" ", comment))


def first_command_name(comment: str, app: str = "") -> str | None:
    """Return the name of the first possible command, without checking whether it is quoted; None if there is none."""
    match = _patterns(app).command.search(comment)
    return match[1].lower() if match else None


def _commands(text: str, patterns: _Patterns) -> Iterator[tuple[int, str, str]]:
    """Yield line number, command name and arguments of each command."""
    for number, line in _outside_quotes(text, patterns):
        match = patterns.line_start.match(line)
        if match:
            yield number, match[1].lower(), line[match.end() :].strip()


def _outside_quotes(text: str, patterns: _Patterns) -> Iterable[tuple[int, str]]:
    """Return number and text of the lines that are neither quoted nor code."""
    first = patterns.line_start.match(text)
    if first and not patterns.command.search(
        text, first.end()
    ):  # most comments with a command; its line is a paragraph's
        return [(0, text.partition("\n")[0])]
    from functions.github.commands import paragraphs  # loads a Markdown parser (25 ms) for the few that need it

    return paragraphs.lines(text)
