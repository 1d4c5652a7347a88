"""Text of people and agents inside Markdown of ours: shown as it is, and never more than shown.

In a code span or a fenced block GitHub makes no link, no mention and no markup of anything (GitHub Flavored Markdown,
Code spans, Fenced code blocks); each is closed only by a run of backticks as long as the one that opened it.
"""

import re

MAX_COMMENT_LENGTH = 65_536
"""Characters of a comment, and of the body of a pull request (GitHub refuses longer ones: "body is too long")."""

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
"""Control characters and those that change the order or the look of what stands around them; not tab and newline."""

_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+")
CUT = "… (cut)"


def sanitize(text: str, longest: int) -> str:
    """`text` without characters that are not seen, and with newlines only; what is too long is cut, and says so."""
    clean = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return clean if len(clean) <= longest else clean[: longest - len(CUT)] + CUT


def code_span(text: str, longest: int = 300) -> str:
    """`text` in one line, as a code span."""
    line = " ".join(sanitize(text, longest).split())
    if not line:
        return "(empty)"
    ticks = "`" * (_backticks(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def fenced_block(text: str, longest: int) -> str:
    """`text` as a fenced block of at most `longest` characters of it."""
    lines = sanitize(text, longest).strip("\n")
    fence = "`" * max(3, _backticks(lines) + 1)
    return f"{fence}text\n{lines}\n{fence}"


def link(url: str) -> str:
    """`url` as a link, where it is one and nothing else."""
    return f"<{url}>" if _PLAIN_URL.fullmatch(url) else code_span(url)


def _backticks(text: str) -> int:
    """The longest run of backticks in it."""
    return max(map(len, re.findall("`+", text)), default=0)
