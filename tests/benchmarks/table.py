"""The table of all rows, for the terminal and as tests/benchmarks/RESULTS.md."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.rows import Row

RESULTS = Path(__file__).with_name("RESULTS.md")
HEADINGS = ("what", "figure", "baseline", "ratio", "aim", "", "empty function")


def text(rows: Sequence[Row]) -> str:
    """Return the table in columns, for a terminal."""
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def write(rows: Sequence[Row], seconds: float) -> None:
    """Write RESULTS.md, with the machine it was measured on."""
    lines = ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    RESULTS.write_text(
        "\n".join(
            [
                "# Results of `make bench`",
                "",
                f"{_machine()}; the whole run took {seconds:.0f} s. Absolute figures differ between machines:",
                "compare the ratios, each to a baseline measured in the same run. The docstrings of the modules",
                "beside this file describe the rows. A bare function (bare/) imports the same libraries and makes the",
                "same calls directly.",
                "",
                "| " + " | ".join(HEADINGS) + " |",
                "|" + "---|" * len(HEADINGS),
                *lines,
                "",
                *_missed(rows),
            ]
        )
    )


def _missed(rows: Sequence[Row]) -> list[str]:
    """Return a section that lists the missed aims and why; empty if none is missed."""
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
    empty = "" if row.empty is None else f"{_number(row.empty)} {row.unit}"
    return row.what, f"{_number(row.figure)} {row.unit}", baseline, ratio, str(row.aim or ""), row.verdict, empty


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
