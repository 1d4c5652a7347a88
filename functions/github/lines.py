"""The lines of a comment that are meant: which begin with a command, and what was written from there on. Pure.

Not meant is what GitHub shows as quoted or code, and what it does not show: block quotes, fenced and indented code,
code spans over several lines, HTML comments. A CommonMark parser finds those, as GitHub does; rules of our own would
differ from it in some corner, and whoever quotes a command would run it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

Word = Literal["docs", "code", "retry", "cancel", "status"]
WORDS: tuple[Word, ...] = get_args(Word)

_COMMAND = re.compile(rf"/({'|'.join(WORDS)})(?!\S)", re.IGNORECASE)
_BREAKS = re.compile(r"\r\n?")
_TAG = re.compile(r"<(/?)(?:blockquote|pre|code|samp|kbd)\b", re.IGNORECASE)
"""HTML that quotes, or shows code: what stands in it is not meant either."""

LONGEST_PARAGRAPH = 8000
"""Characters of a paragraph in which commands are looked for: the parser's time grows with the square of them."""

_INSIDE = "inside"


@dataclass(frozen=True)
class CommandLine:
    """A line that begins with a command."""

    word: str
    """One of WORDS."""
    rest: str
    """Of the line, after the word."""
    following: str
    """The lines after it as they were written, up to the next command."""


def find(comment: str) -> Sequence[CommandLine]:
    """The lines of a comment, in Markdown, that begin with a command, in order."""
    if not _COMMAND.search(comment):  # nearly every comment
        return ()
    text = _BREAKS.sub("\n", comment)
    lines = text.split("\n")
    found = list(_commands(text))
    ends = [*(number for number, _, _ in found[1:]), len(lines)]
    return [
        CommandLine(word, rest, "\n".join(lines[number + 1 : end]))
        for (number, word, rest), end in zip(found, ends, strict=False)
    ]


def _commands(text: str) -> Iterator[tuple[int, str, str]]:
    """The number of each line that begins with a command, the command's word, and the rest of the line."""
    quoted = elements = 0
    heading = ""
    for token in _parser().parse(text):
        quoted += token.nesting if token.type.startswith("blockquote") else 0
        heading = token.markup if token.type == "heading_open" else heading if token.type == "inline" else ""
        if token.type == "html_block":
            elements += _depth(token.content)
        elif token.type == "inline":
            inside = _look_into(token.content, elements)
            if not quoted and not heading.startswith("#"):
                yield from _of_paragraph(token, sorted(set(inside.starts)))
            elements = inside.elements


def _of_paragraph(token: Token, starts: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    number, text, before = (token.map or [0])[0], token.content, 0
    for start in starts:
        number, before = number + text.count("\n", before, start), start
        line = text[start:].partition("\n")[0]
        words = line.lstrip(" ")
        command = _COMMAND.match(words)
        if command and len(line) - len(words) < 4:  # more looks like code, though it is none here
            yield number, command[1].lower(), words[command.end() :].strip()


@dataclass
class _Inside:
    """What is seen while a paragraph is parsed."""

    text: str
    elements: int
    """How many elements are open that quote."""
    starts: list[int]
    """Where its lines begin, but for those inside such an element, a code span, a tag or a link's target."""
    counted: int = 0
    """Tokens whose tags are in `elements`."""

    def count(self, tokens: Sequence[Token]) -> None:
        for token in tokens[self.counted :]:
            self.elements += _depth(token.content) if token.type == "html_inline" else 0
        self.counted = len(tokens)


def _look_into(paragraph: str, elements: int) -> _Inside:
    inside, found = _Inside(paragraph[:LONGEST_PARAGRAPH], elements, [] if elements > 0 else [0]), list[Token]()
    _parser().inline.parse(inside.text, _parser(), {_INSIDE: inside}, found)
    inside.count(found)
    return inside


def _depth(html: str) -> int:
    """How many elements that quote are open after it, less those it closes."""
    return sum(-1 if close else 1 for close in _TAG.findall(html))


def _note_line_start(state: StateInline, silent: bool) -> bool:
    """A rule for what is inside a paragraph: consumes nothing, and notes where a line begins.

    The parser asks it only at what nothing else has taken up, silently where it only looks ahead, and once more for
    the text of an image by itself.
    """
    inside: _Inside = state.env[_INSIDE]
    for ending in ("\n", "\\\n"):
        if not silent and state.src is inside.text and state.src.startswith(ending, state.pos):
            inside.count(state.tokens)
            inside.starts += [state.pos + len(ending)] if inside.elements <= 0 else []
    return False


@cache
def _parser() -> MarkdownIt:
    found = MarkdownIt("commonmark").disable("inline")  # paragraphs are left as they are, and looked into one by one
    found.inline.ruler.before("newline", "line_start", _note_line_start)
    return found
