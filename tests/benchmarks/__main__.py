"""`make bench`: every benchmark, or those named: `python -m tests.benchmarks cold_start sweep`.

All of them write RESULTS.md; some of them only print.
"""

import importlib
import sys
import time

from tests.benchmarks import table
from tests.benchmarks.rows import Row

NAMES = ("cold_start", "memory", "webhook", "reconciling", "rendering", "bridging", "sweep", "command", "whole")


def main(names: list[str]) -> int:
    """Prints rows as they come, then the table."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    begun, found = time.monotonic(), list[Row]()
    for name in names or NAMES:
        for row in importlib.import_module(f"tests.benchmarks.{name}").rows():
            found.append(row)
            print(f"{row.what} ...", flush=True)
    took = time.monotonic() - begun
    print(f"\n{table.text(found)}\n\nall of it took {took:.0f} s")
    if not names:
        table.write(found, took)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
