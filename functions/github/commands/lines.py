"""The lines of a comment that are meant: which begin with a command, and what was written from there on. Pure.

Not meant is what GitHub shows as quoted or code, and what it does not show: block quotes, fenced and indented code,
code spans over several lines, HTML comments. A CommonMark parser finds those, as GitHub does; rules of our own would
differ from it in some corner, and whoever quotes a command would run it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

CommandName = Literal["docs", "code", "retry", "cancel", "status"]
WORDS: tuple[CommandName, ...] = get_args(CommandName)

_COMMAND = re.compile(rf"/({'|'.join(WORDS)})(?!\S)", re.IGNORECASE)
_FIRST = re.compile(rf" {{0,3}}{_COMMAND.pattern}", re.IGNORECASE)
"""At the beginning of a line; what is indented more looks like code, though in a paragraph it is none."""

_BREAKS = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A line that begins with a command."""

    word: str
    """One of WORDS."""
    rest: str
    """Of the line, after the word."""
    following: str
    """The lines after it as they were written, up to the next command."""


def command_lines(comment: str) -> Sequence[CommandLine]:
    """The lines of a comment, in Markdown, that begin with a command, in order."""
    if not _COMMAND.search(comment):  # nearly every comment
        return ()
    text = _BREAKS.sub("\n", comment).replace("\0", "\N{REPLACEMENT CHARACTER}")  # as Markdown has it
    lines = text.split("\n")
    found = list(_commands(text))
    ends = [*(number for number, _, _ in found[1:]), len(lines)]
    return [
        CommandLine(word, rest, "\n".join(lines[number + 1 : end]))
        for (number, word, rest), end in zip(found, ends, strict=False)
    ]


def first_word(comment: str) -> str | None:
    """The word of what may be the first command in it, meant or not: it is not parsed for that."""
    found = _COMMAND.search(comment)
    return found[1].lower() if found else None


def _commands(text: str) -> Iterator[tuple[int, str, str]]:
    """The number of each line that begins with a command, the command's word, and the rest of the line."""
    for number, line in _outside_quotes(text):
        command = _FIRST.match(line)
        if command:
            yield number, command[1].lower(), line[command.end() :].strip()


def _outside_quotes(text: str) -> Iterable[tuple[int, str]]:
    """Number and text of the lines that are meant and may begin with a command."""
    first = _FIRST.match(text)
    if first and not _COMMAND.search(text, first.end()):  # mostly; what a comment begins with so is a paragraph
        return [(0, text.partition("\n")[0])]
    from functions.github.commands import paragraphs

    return paragraphs.lines(text)
