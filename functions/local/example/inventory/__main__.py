"""The command line: `add ITEM COUNT` and `list`."""

import sys
from pathlib import Path

from inventory.stock import Stock


def main(arguments: list[str]) -> int:
    """Run one command and return the exit code."""
    stock = Stock(Path("stock.json"))
    match arguments:
        case ["add", item, count]:
            print(f"{item}: {stock.add(item, int(count))}")
        case ["list"]:
            for item, count in stock.counts().items():
                print(f"{item}: {count}")
        case _:
            print(__doc__)
            return 2
    return 0


sys.exit(main(sys.argv[1:]))
