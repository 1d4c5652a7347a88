"""Parts of Markdown pages."""

from collections.abc import Iterable, Sequence

GENERATED = "<!-- made from the code by `make docs`; change it there -->\n"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; `|` in cells is escaped."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines)


def code(text: str) -> str:
    """Return the text as code; empty for an empty one."""
    return f"`{text}`" if text else ""
