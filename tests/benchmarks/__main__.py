"""`make bench`: run every benchmark, or the named ones: `python -m tests.benchmarks cold_start sweep`.

A run of every benchmark writes RESULTS.md; a run of named ones only prints.
"""

import importlib
import sys
import time

from tests.benchmarks import table
from tests.benchmarks.rows import Row

NAMES = (
    "cold_start",
    "memory",
    "webhook",
    "reconciling",
    "rendering",
    "bridging",
    "sweep",
    "command",
    "console",
    "whole",
)


def main(names: list[str]) -> int:
    """Print each row when it is measured, then the table; return the exit code."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"unknown benchmark: {', '.join(unknown)}; use {', '.join(NAMES)}", file=sys.stderr)
        return 2
    begun, found = time.monotonic(), list[Row]()
    for name in names or NAMES:
        for row in importlib.import_module(f"tests.benchmarks.{name}").rows():
            found.append(row)
            print(f"{row.what} ...", flush=True)
    took = time.monotonic() - begun
    print(f"\n{table.text(found)}\n\nthe whole run took {took:.0f} s")
    if not names:
        table.write(found, took)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
