"""The table of runs on a terminal, by rich: fitted to its width, with a colour for each phase."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

PHASE_STYLES = {
    "Running": "cyan",
    "Succeeded": "green",
    "Failed": "red",
    "Cancelled": "yellow",
    "Queued": "yellow",
    "Retrying": "magenta",
    "Pending": "dim",
}

CUT = frozenset({"TITLE", "NOW", "REASON", "REPOSITORY", "BRANCH", "PR"})
"""Columns that give way where the terminal is narrow."""

RIGHT = frozenset({"COST", "DURATION", "AGE", "ATTEMPT"})


def run_table(cells: Sequence[Sequence[str]]) -> Table:
    """Return the rows, whose first is the heading, as a table; a long title is cut, a name never."""
    heading, *rows = cells
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in heading:
        table.add_column(
            name,
            no_wrap=name not in CUT,  # rich narrows those that may wrap, and all alike if none may
            justify="right" if name in RIGHT else "left",
            min_width=None if name in CUT else max(len(row[heading.index(name)]) for row in cells),
        )
    for row in rows:
        table.add_row(*(_styled(name, cell) for name, cell in zip(heading, row, strict=True)))
    return table


def _styled(column: str, cell: str) -> Text:
    """Return the cell as text, never as markup: titles are foreign."""
    style = {"PHASE": PHASE_STYLES.get(cell, ""), "NAME": "dim", "TITLE": "bold"}.get(column, "")
    return Text(cell, style=style, no_wrap=True, overflow="ellipsis")
