"""The times at which the lines of a log were written.

A container writes directly to its log file. Its shim records the length of the file over time in a file beside it.
"""

from bisect import bisect_left
from datetime import UTC, datetime
from pathlib import Path


class LogTimestamps:
    """The recorded lengths of one log, read again when they do not cover a line."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._times_file = log.with_suffix(".times")
        self._lengths: list[int] = []
        self._times: list[float] = []

    def of(self, end: int) -> datetime:
        """Return when the line that ends at this byte was written, to a tenth of a second."""
        if not self._lengths or self._lengths[-1] < end:
            self._read()
        index = bisect_left(self._lengths, end)
        seconds = self._times[index] if index < len(self._times) else self._log.stat().st_mtime
        return datetime.fromtimestamp(seconds, UTC)

    def _read(self) -> None:
        try:
            lines = self._times_file.read_text().splitlines(keepends=True)
        except FileNotFoundError:
            return
        entries = [line.split() for line in lines if line.endswith("\n")]  # the last may be incomplete
        self._lengths = [int(length) for length, _ in entries]
        self._times = [float(time) for _, time in entries]


def with_timestamp(time: datetime, line: bytes) -> bytes:
    """Return the line with its time, in the kubelet's format."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode() + line
