"""A block of lines on a terminal, redrawn in place."""

import shutil
import unicodedata
from collections.abc import Sequence
from typing import TextIO

_UP_AND_CLEAR = "\x1b[{}F\x1b[J"
"""Move up a number of lines and clear everything below (ECMA-48: CPL, ED)."""


class Screen:
    """Draws on `out`, which is a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = 0

    def draw(self, lines: Sequence[str]) -> None:
        """Replace the lines that were drawn last; lines that do not fit are cut."""
        width, height = shutil.get_terminal_size()
        shown = [fit(line, width - 1) for line in lines[: height - 1]]
        back = _UP_AND_CLEAR.format(self._drawn) if self._drawn else ""
        self._out.write(back + "".join(f"{line}\n" for line in shown))
        self._out.flush()
        self._drawn = len(shown)


def fit(line: str, width: int) -> str:
    """Return the longest prefix of the line that fits into `width` columns of a terminal."""
    used = 0
    for number, each in enumerate(line):
        used += 0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        if used > width:
            return line[:number]
    return line
