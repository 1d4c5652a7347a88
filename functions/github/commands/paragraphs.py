"""Which lines of a comment stand in its paragraphs, and begin outside of all that quotes there. Pure.

By a CommonMark parser, which takes 25 ms to load; so this is loaded for the few comments that need it (lines.py). Its
time grows with the length, by some 30 µs for a character at worst; who asks bounds that (commands.py).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_TAG = re.compile(r"<(/?)(?:blockquote|pre|code|samp|kbd)\b", re.IGNORECASE)
"""HTML that quotes, or shows code: what stands in it is not meant either."""

_INSIDE = "inside"


def lines(comment: str) -> Iterator[tuple[int, str]]:
    """Number and text, with what it is indented by, of each such line; `comment` has no breaks but line feeds."""
    quoted = elements = 0
    heading = ""
    for token in _parser().parse(comment):
        quoted += token.nesting if token.type.startswith("blockquote") else 0
        heading = token.markup if token.type == "heading_open" else heading if token.type == "inline" else ""
        if token.type == "html_block":
            elements += _depth(token.content)
        elif token.type == "inline":
            inside = _look_into(token.content, elements)
            if not quoted and not heading.startswith("#"):
                yield from _of_paragraph(token, sorted(set(inside.starts)))
            elements = inside.elements


def _of_paragraph(token: Token, starts: Sequence[int]) -> Iterator[tuple[int, str]]:
    number, text, before = (token.map or [0])[0], token.content, 0
    for start in starts:
        number, before = number + text.count("\n", before, start), start
        yield number, text[start:].partition("\n")[0]


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
    inside, found = _Inside(paragraph, elements, [] if elements > 0 else [0]), list[Token]()
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
