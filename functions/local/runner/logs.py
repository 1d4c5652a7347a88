"""The logs of pods, read from the files that containers write to."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from functions.local.pod_logs import Portion
from functions.local.runner.log_timestamps import LogTimestamps, stamped
from functions.local.runner.paths import Layout

CHUNK = 65_536
POLL_SECONDS = 0.1


class Logs:
    """The `PodLogs` of the API server."""

    def __init__(self, state: Path) -> None:
        self._layout = Layout(state.resolve())

    async def open(self, namespace: str, pod: str, wanted: Portion) -> AsyncIterator[bytes]:
        """See `PodLogs`. Raises LookupError with the first piece, where the pod has no log."""
        path, end = self._layout.log(namespace, pod), self._layout.log_end(namespace, pod)
        if not path.is_file():
            raise LookupError(f"pod {namespace}/{pod} has no log")
        with path.open("rb") as file:
            if wanted.tail_lines is not None:
                file.seek(_tail(file, wanted.tail_lines))
            start = file.tell()
            pieces = _pieces(file, end if wanted.follow else None)
            if wanted.since or wanted.timestamps:
                pieces = _timed(pieces, LogTimestamps(path), start, wanted)
            async for piece in pieces:
                yield piece


async def _pieces(file: BinaryIO, end: Path | None) -> AsyncIterator[bytes]:
    """What there is from here on; and, until `end` is there, what comes."""
    while True:
        complete = end is None or end.exists()  # looked at first: what comes before the end is still read
        while piece := file.read(CHUNK):
            yield piece
        if complete:
            return
        await asyncio.sleep(POLL_SECONDS)


async def _timed(
    pieces: AsyncIterator[bytes], moments: LogTimestamps, start: int, wanted: Portion
) -> AsyncIterator[bytes]:
    """Whole lines by their times; `start` is where in the log the pieces begin."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            start += len(line) + 1
            if shown := _line(line + b"\n", moments.of(start), wanted):
                yield shown
    if rest and (shown := _line(rest, moments.of(start + len(rest)), wanted)):
        yield shown


def _line(line: bytes, moment: datetime, wanted: Portion) -> bytes:
    if wanted.since and moment < wanted.since:
        return b""
    return stamped(moment, line) if wanted.timestamps else line


def _tail(file: BinaryIO, lines: int) -> int:
    """Where the last so many lines begin."""
    starts = [0]
    for line in file:
        starts.append(starts[-1] + len(line))
    return starts[max(len(starts) - 1 - lines, 0)]
