"""Finds the lines of a comment that are in paragraphs, outside of quotes and code, with a CommonMark parser. Pure.

The parser takes about 30 µs per character at worst; callers bound the length (commands/parse.py).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_TAG = re.compile(r"<(/?)(?:blockquote|pre|code|samp|kbd)\b", re.IGNORECASE)
"""HTML elements that quote or show code."""

_SCAN = "scan"
"""The key of a _LineScan in the parser's environment."""


def lines(comment: str) -> Iterator[tuple[int, str]]:
    """Yield number and text, with indentation, of each such line; `comment` has line feeds as its only line breaks."""
    quotes = elements = 0
    heading = ""
    for token in _parser().parse(comment):
        quotes += token.nesting if token.type.startswith("blockquote") else 0
        heading = token.markup if token.type == "heading_open" else heading if token.type == "inline" else ""
        if token.type == "html_block":
            elements += _depth(token.content)
        elif token.type == "inline":
            scan = _scan_lines(token.content, elements)
            if not quotes and not heading.startswith("#"):
                yield from _paragraph_lines(token, sorted(set(scan.starts)))
            elements = scan.elements


def _paragraph_lines(token: Token, starts: Sequence[int]) -> Iterator[tuple[int, str]]:
    number, text, before = (token.map or [0])[0], token.content, 0
    for start in starts:
        number, before = number + text.count("\n", before, start), start
        yield number, text[start:].partition("\n")[0]


@dataclass
class _LineScan:
    """The state of a scan through one paragraph."""

    text: str
    elements: int
    """How many quoting HTML elements are open."""
    starts: list[int]
    """Offsets of line starts outside of such elements, code spans, tags and link targets."""
    counted: int = 0
    """How many tokens are included in `elements`."""

    def count(self, tokens: Sequence[Token]) -> None:
        for token in tokens[self.counted :]:
            self.elements += _depth(token.content) if token.type == "html_inline" else 0
        self.counted = len(tokens)


def _scan_lines(paragraph: str, elements: int) -> _LineScan:
    scan, tokens = _LineScan(paragraph, elements, [] if elements > 0 else [0]), list[Token]()
    _parser().inline.parse(scan.text, _parser(), {_SCAN: scan}, tokens)
    scan.count(tokens)
    return scan


def _depth(html: str) -> int:
    """Return how many quoting elements the HTML opens, less those it closes."""
    return sum(-1 if close else 1 for close in _TAG.findall(html))


def _record_line_start(state: StateInline, silent: bool) -> bool:
    """Record where a line starts; an inline rule of the parser that consumes nothing.

    The parser calls it only at characters that no other rule consumed: silently when it looks ahead, and once more
    for the text of an image alone.
    """
    scan: _LineScan = state.env[_SCAN]
    for ending in ("\n", "\\\n"):
        if not silent and state.src is scan.text and state.src.startswith(ending, state.pos):
            scan.count(state.tokens)
            scan.starts += [state.pos + len(ending)] if scan.elements <= 0 else []
    return False


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").disable("inline")  # paragraphs are parsed one by one, by _scan_lines
    parser.inline.ruler.before("newline", "line_start", _record_line_start)
    return parser
