"""When the lines of a log were written.

A container writes to its log itself, as it likes; its shim notes beside it how long the file was at which time.
"""

from bisect import bisect_left
from datetime import UTC, datetime
from pathlib import Path


class LogTimestamps:
    """The notes beside one log, read again when they do not reach far enough."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._notes = log.with_suffix(".times")
        self._lengths: list[int] = []
        self._times: list[float] = []

    def of(self, end: int) -> datetime:
        """When the line that ends at this byte was written, to a tenth of a second."""
        if not self._lengths or self._lengths[-1] < end:
            self._read()
        at = bisect_left(self._lengths, end)
        found = self._times[at] if at < len(self._times) else self._log.stat().st_mtime
        return datetime.fromtimestamp(found, UTC)

    def _read(self) -> None:
        try:
            lines = self._notes.read_text().splitlines(keepends=True)
        except FileNotFoundError:
            return
        notes = [line.split() for line in lines if line.endswith("\n")]  # the last may be half written
        self._lengths = [int(length) for length, _ in notes]
        self._times = [float(time) for _, time in notes]


def stamped(moment: datetime, line: bytes) -> bytes:
    """The line with its time, as a kubelet shows it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode() + line
