"""The table of runs on a narrow terminal: only titles and steps are cut."""

import io

import pytest
from rich.console import Console

from functions.clients.runs.run_table import run_table

CELLS = [
    ["TITLE", "PHASE", "NOW", "DURATION", "NAME"],
    ["Task 1: Take items out of the stock", "Running", "[attempt] starting the agent", "12s", "run-6a8abbee"],
]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_row_is_one_line_with_only_title_and_step_cut(width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(run_table(CELLS))
    heading, row = out.getvalue().splitlines()
    assert max(len(heading), len(row)) <= width
    for whole in ("Running", "12s", "run-6a8abbee"):
        assert whole in row
    assert row.startswith("Task 1")
