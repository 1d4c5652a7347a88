"""Reads the logs of pods from the files that containers write."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from functions.local.pod_logs import Portion
from functions.local.runner.log_timestamps import LogTimestamps, with_timestamp
from functions.local.runner.paths import Layout

CHUNK = 65_536
POLL_SECONDS = 0.1


class Logs:
    """The `PodLogs` of the API server."""

    def __init__(self, state: Path) -> None:
        self._layout = Layout(state.resolve())
        self._closing = False

    def close(self) -> None:
        """End the logs that are followed: nothing is written to them any more."""
        self._closing = True

    async def open(self, namespace: str, pod: str, portion: Portion) -> AsyncIterator[bytes]:
        """Yield that portion of the log; raise LookupError at the first iteration if the pod has no log."""
        path, end = self._layout.log(namespace, pod, portion.container), self._layout.log_end(namespace, pod)
        if not path.is_file():
            raise LookupError(f"pod {namespace}/{pod} has no such log")
        with path.open("rb") as file:
            if portion.tail_lines is not None:
                file.seek(_tail(file, portion.tail_lines))
            start = file.tell()
            pieces = _pieces(file, lambda: not portion.follow or end.exists() or self._closing)
            if portion.since or portion.timestamps:
                pieces = _timed(pieces, LogTimestamps(path), start, portion)
            async for piece in pieces:
                yield piece


async def _pieces(file: BinaryIO, is_complete: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield the rest of the file, and what is appended until it is complete."""
    while True:
        complete = is_complete()  # checked before reading, so that everything written before the end is read
        while piece := file.read(CHUNK):
            yield piece
        if complete:
            return
        await asyncio.sleep(POLL_SECONDS)


async def _timed(
    pieces: AsyncIterator[bytes], timestamps: LogTimestamps, start: int, portion: Portion
) -> AsyncIterator[bytes]:
    """Yield whole lines, selected by time and with timestamps if requested; `start` is the offset of the pieces."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            start += len(line) + 1
            if output := _line(line + b"\n", timestamps.of(start), portion):
                yield output
    if rest and (output := _line(rest, timestamps.of(start + len(rest)), portion)):
        yield output


def _line(line: bytes, time: datetime, portion: Portion) -> bytes:
    if portion.since and time < portion.since:
        return b""
    return with_timestamp(time, line) if portion.timestamps else line


def _tail(file: BinaryIO, lines: int) -> int:
    """Return the offset of the last `lines` lines."""
    starts = [0]
    for line in file:
        starts.append(starts[-1] + len(line))
    return starts[max(len(starts) - 1 - lines, 0)]
