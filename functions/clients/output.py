"""Output of commands: results on standard output, progress on standard error.

`orchestrator ... -o json | jq` reads only the result. Colours are used on terminals only.
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
"""Maximum number of characters in a table cell."""

Say = Callable[[str], None]
"""Prints or reports one line of progress."""


Output = Literal["table", "json", "yaml"]
"""Output format of a result."""


def write(output: Output, result: Any, text: Callable[[], str]) -> None:
    """Write `result` (JSON types) to standard output; `text` renders it as a table."""
    match output:
        case "json":
            print(json.dumps(result, indent=2, ensure_ascii=False), flush=True)
        case "yaml":
            print(yaml.safe_dump(result, sort_keys=False, allow_unicode=True), end="", flush=True)
        case "table":
            print(text(), flush=True)


def columns(rows: Sequence[Sequence[object]], longest: int | None = CELL) -> str:
    """Return the rows as a table; each cell is one line of at most `longest` characters."""
    return table([[cell(value, longest) for value in row] for row in rows])


def cell(value: object, longest: int | None = CELL) -> str:
    """Return a value as one line for a cell, without control characters: foreign text could move the cursor."""
    text = "" if value is None else str(value)
    return "".join(character if character.isprintable() else " " for character in text)[:longest]


def say(text: str) -> None:
    """Write a line of progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def styled(text: str, colour: str, stream: TextIO) -> str:
    """Return `text` in a colour (`red`, `green`, ...) if `stream` shows colours, else unchanged."""
    if not colours(stream):
        return text
    return click.style(text, fg=colour)


def colours(stream: TextIO) -> bool:
    """Return whether to write colours: on a terminal, unless NO_COLOR is set (no-color.org) or TERM is dumb."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
