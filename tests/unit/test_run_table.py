"""The table of runs on a narrow terminal: only titles and steps are cut."""

import io
import re

import pytest
from rich.console import Console

from functions.clients.runs.run_table import RunTable

CELLS = [
    ["TITLE", "PHASE", "NOW", "DURATION", "NAME"],
    ["Task 1: Take items out of the stock", "Running", "[attempt] starting the agent", "12s", "run-6a8abbee"],
]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_row_is_one_line_with_only_title_and_step_cut(width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(RunTable(CELLS))
    heading, row = out.getvalue().splitlines()
    assert max(len(heading), len(row)) <= width
    for whole in ("Running", "12s", "run-6a8abbee"):
        assert whole in row
    assert row.startswith("Task 1")


LIST = [
    ["TITLE", "PHASE", "REASON", "COST", "DURATION", "PR", "AGE", "NAME"],
    ["Task 1: Take items out of the stock", "Succeeded", "Completed", "$0.00", "17s", "", "4m", "inventory-docs-rn7m5"],
    ["Task 8: Tell what runs low", "Failed", "AgentError", "$0.00", "37s", "", "6m", "run-077a3471"],
]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (40, "TITLE NAME"),
        (60, "TITLE PHASE AGE NAME"),
        (80, "TITLE PHASE REASON COST AGE NAME"),
        (120, "TITLE PHASE REASON COST DURATION AGE NAME"),
    ],
)
def test_on_a_narrow_terminal_columns_give_way_before_titles_do(width: int, columns: str) -> None:
    """A column without content takes no place on any terminal."""
    out = io.StringIO()
    Console(file=out, width=width).print(RunTable(LIST))
    heading, *rows = out.getvalue().splitlines()
    assert heading.split() == columns.split()
    assert max(map(len, (heading, *rows))) <= width
    assert [bool(re.match(r"Task \d: T\w", row)) for row in rows] == [True, True]


def test_a_table_without_rows_is_its_heading() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(RunTable(LIST[:1]))
    assert out.getvalue().split() == LIST[0]
