"""A block of lines on a terminal, redrawn in place by rich."""

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text


class Screen:
    """Draws on `out`, which is a terminal."""

    def __init__(self, out: TextIO) -> None:
        console = Console(file=out, force_terminal=True, color_system=None)
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def draw(self, lines: Sequence[str]) -> None:
        """Replace the lines that were drawn last; lines that do not fit are cut."""
        self._live.start()
        height = self._live.console.size.height
        self._live.update(Text("\n".join(lines[: height - 1]), no_wrap=True, overflow="crop"), refresh=True)

    def close(self) -> None:
        """Leave the last lines on the terminal and show its cursor again."""
        self._live.stop()
