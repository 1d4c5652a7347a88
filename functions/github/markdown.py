"""Foreign text inside our Markdown: shown literally, without links, mentions or markup.

GitHub renders nothing inside a code span or a fenced block, and ends either only at a run of backticks as long as the
one that opened it (GitHub Flavored Markdown: Code spans, Fenced code blocks).
"""

import re
import textwrap

MAX_COMMENT_LENGTH = 65_536
"""Characters of a comment or of a pull request's body; GitHub rejects longer ones ("body is too long")."""

_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
"""Control characters, and those that reorder or hide the text around them; not tab and newline."""

_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+")
CUT = "… (cut)"

LINE_LENGTH = 100
"""Characters of a line of prose in a block."""


def sanitize(text: str, max_length: int) -> str:
    """Return the text without invisible characters, with line feeds only, cut to `max_length` and marked if cut."""
    clean = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return clean if len(clean) <= max_length else clean[: max_length - len(CUT)] + CUT


def code_span(text: str, max_length: int = 300) -> str:
    """Return the text as a code span on one line."""
    line = " ".join(sanitize(text, max_length).split())
    if not line:
        return "(empty)"
    ticks = "`" * (_longest_backtick_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def fenced_block(text: str, max_length: int) -> str:
    """Return at most `max_length` characters of the text as a fenced block."""
    lines = sanitize(text, max_length).strip("\n")
    fence = "`" * max(3, _longest_backtick_run(lines) + 1)
    return f"{fence}text\n{lines}\n{fence}"


def wrapped_block(text: str, max_length: int) -> str:
    """Return at most `max_length` characters of prose as a fenced block, whose lines GitHub itself does not wrap."""
    lines = sanitize(text, max_length).split("\n")
    wrapped = (textwrap.fill(line, LINE_LENGTH, break_long_words=False, break_on_hyphens=False) for line in lines)
    return fenced_block("\n".join(wrapped), 2 * max_length)


def link(url: str) -> str:
    """Return the URL as a link; as a code span if it is not a plain URL."""
    return f"<{url}>" if _PLAIN_URL.fullmatch(url) else code_span(url)


def _longest_backtick_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
