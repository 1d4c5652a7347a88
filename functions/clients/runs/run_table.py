"""The table of runs on a terminal, by rich: fitted to its width, with a colour for each phase."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
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

LEFT_OUT = ("PR", "DURATION", "COST", "REASON", "AGE", "PHASE")
"""Columns that a terminal too narrow for all of them does without, in this order."""

LEAST = {"TITLE": 15, "REASON": 12}
"""Characters that are left of a column that is cut; of the others, none."""

GAP = 2


@dataclass(frozen=True, slots=True)
class RunTable:
    """Rows, whose first is the heading, drawn in the width of the terminal; a long title is cut, a name never."""

    cells: Sequence[Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the columns that fit."""
        yield _table(_fitting(self.cells, options.max_width))


def _fitting(cells: Sequence[Sequence[str]], width: int) -> list[tuple[str, ...]]:
    """Return the cells without empty columns, and without those that would take the place of titles."""
    columns = [column for column in zip(*cells, strict=True) if any(column[1:]) or len(cells) == 1]
    for name in LEFT_OUT:
        if sum(_least(column) + GAP for column in columns) - GAP <= width:
            break
        columns = [column for column in columns if column[0] != name]
    return list(zip(*columns, strict=True))


def _least(column: Sequence[str]) -> int:
    longest = max(map(cell_len, column))
    return min(longest, LEAST.get(column[0], 0)) if column[0] in CUT else longest


def _table(cells: Sequence[Sequence[str]]) -> Table:
    heading, *rows = cells
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
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
