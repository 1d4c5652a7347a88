"""The table of runs fits a narrow terminal: titles give way, phases, durations and names do not."""

import io

import pytest
from rich.console import Console

from functions.clients.runs.run_table import run_table

CELLS = [
    ["TITLE", "PHASE", "NOW", "DURATION", "NAME"],
    ["Task 1: Take items out of the stock", "Running", "[attempt] starting the agent", "12s", "run-6a8abbee"],
]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_row_is_one_line_in_which_only_titles_and_steps_are_cut(width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(run_table(CELLS))
    heading, row = out.getvalue().splitlines()
    assert max(len(heading), len(row)) <= width
    for whole in ("Running", "12s", "run-6a8abbee"):
        assert whole in row
    assert row.startswith("Task 1")
