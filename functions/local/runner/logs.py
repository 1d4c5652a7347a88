"""The logs of pods, read from the files that containers write to."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from functions.local.runner.layout import Layout

CHUNK = 65_536
POLL_SECONDS = 0.1


class Logs:
    """The `PodLogs` of the API server."""

    def __init__(self, state: Path) -> None:
        self._layout = Layout(state.resolve())

    async def open(self, namespace: str, pod: str, *, follow: bool, tail_lines: int | None) -> AsyncIterator[bytes]:
        """Pieces of the log, from the last `tail_lines` lines; with `follow`, until the container has ended.

        Raises:
            LookupError: with the first piece, where the pod has no log.
        """
        path, end = self._layout.log(namespace, pod), self._layout.log_end(namespace, pod)
        if not path.is_file():
            raise LookupError(f"pod {namespace}/{pod} has no log")
        with path.open("rb") as file:
            if tail_lines is not None:
                file.seek(_tail(file, tail_lines))
            while True:
                complete = not follow or end.exists()  # looked at first: what comes before the end is still read
                while piece := file.read(CHUNK):
                    yield piece
                if complete:
                    return
                await asyncio.sleep(POLL_SECONDS)


def _tail(file: BinaryIO, lines: int) -> int:
    """Where the last so many lines begin."""
    starts = [0]
    for line in file:
        starts.append(starts[-1] + len(line))
    return starts[max(len(starts) - 1 - lines, 0)]
