"""How commands write: results on standard output, for people or for programs; progress on standard error.

So `orchestrator ... -o json | jq` gets nothing but the result, and colours are for terminals only.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, TextIO

import click
import yaml

from functions.views.table import table

CELL = 120
"""Characters of a table's cell."""

Say = Callable[[str], None]
"""Takes one line of progress."""


Output = Literal["table", "json", "yaml"]
"""How a result is written."""


def write(output: Output, result: Any, text: Callable[[], str]) -> None:
    """Writes `result` (what JSON knows) to standard output; `text` makes what people read of it."""
    match output:
        case "json":
            print(json.dumps(result, indent=2, ensure_ascii=False), flush=True)
        case "yaml":
            print(yaml.safe_dump(result, sort_keys=False, allow_unicode=True), end="", flush=True)
        case "table":
            print(text(), flush=True)


def columns(rows: Sequence[Sequence[object]], longest: int | None = CELL) -> str:
    """Rows in columns; each cell is one line, of at most so many characters."""
    return table([[cell(each, longest) for each in row] for row in rows])


def cell(value: object, longest: int | None = CELL) -> str:
    """What fits in a cell: one line, without control characters (text of others could move the cursor)."""
    text = "" if value is None else str(value)
    return "".join(each if each.isprintable() else " " for each in text)[:longest]


def say(text: str) -> None:
    """Writes a line of progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def styled(text: str, colour: str, stream: TextIO) -> str:
    """`text` in a colour (`red`, `green`, ...) where `stream` is a terminal that people want colours on."""
    if not colours(stream):
        return text
    return click.style(text, fg=colour)


def colours(stream: TextIO) -> bool:
    """Whether to write colours: on a terminal, unless NO_COLOR is set (no-color.org) or it is a dumb one."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
