"""The table of all rows, for the terminal and as tests/benchmarks/RESULTS.md."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.rows import Row

RESULTS = Path(__file__).with_name("RESULTS.md")
HEADINGS = ("what", "figure", "baseline", "ratio", "aim", "")


def text(rows: Sequence[Row]) -> str:
    """Columns for a terminal."""
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def write(rows: Sequence[Row], seconds: float) -> None:
    """RESULTS.md, with what it was measured on."""
    lines = ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    RESULTS.write_text(
        "\n".join(
            [
                "# Results of `make bench`",
                "",
                f"{_machine()}; all of it took {seconds:.0f} s. Absolute figures drift from machine to machine: read",
                "the ratios, each to a baseline measured in the same run. What each row is stands in its module,",
                "beside this file.",
                "",
                "| " + " | ".join(HEADINGS) + " |",
                "|---|---|---|---|---|---|",
                *lines,
                "",
                *_missed(rows),
            ]
        )
    )


def _missed(rows: Sequence[Row]) -> list[str]:
    """Each aim that is missed, by how much, and why."""
    found = [
        f"- {row.what}, against {row.against}: {row.ratio:.2f}, aim {row.aim}. {row.hindrance}".rstrip()
        for row in rows
        if row.verdict == "missed"
    ]
    return ["## Aims missed", "", *found, ""] if found else []


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {python}"


def _cells(row: Row) -> tuple[str, ...]:
    baseline = "" if row.baseline is None else f"{_number(row.baseline)} {row.unit} {row.against}".strip()
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return row.what, f"{_number(row.figure)} {row.unit}", baseline, ratio, str(row.aim or ""), row.verdict


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
