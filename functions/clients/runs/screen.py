"""Output on a terminal with rich: a table, or a block that is redrawn in place."""

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from functions.clients.output import colours


def console(out: TextIO) -> Console:
    """Return rich's console for a terminal; without colours where they are not wanted (NO_COLOR, TERM=dumb)."""
    return Console(file=out, force_terminal=True, color_system="auto" if colours(out) else None, highlight=False)


class Screen:
    """Draws on `out`, which is a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._live = Live(console=console(out), auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    @property
    def height(self) -> int:
        """Lines of the terminal."""
        return self._live.console.size.height

    def draw(self, lines: Sequence[str]) -> None:
        """Replace what was drawn last by lines; those that do not fit are cut."""
        self.show(Text("\n".join(lines[: self.height - 1]), no_wrap=True, overflow="crop"))

    def show(self, block: RenderableType) -> None:
        """Replace what was drawn last."""
        self._live.start()
        self._live.update(block, refresh=True)

    def close(self) -> None:
        """Leave the last block on the terminal and show its cursor again."""
        self._live.stop()
