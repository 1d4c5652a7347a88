"""The log of a pod, between the API server, which serves it, and whoever runs pods, which keeps it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Portion:
    """What is wanted of a log: of the last `tail_lines` lines (None: of all) those written at or after `since`."""

    tail_lines: int | None = None
    since: datetime | None = None
    timestamps: bool = False
    """Each line begins with its time (RFC 3339) and a blank."""
    follow: bool = False
    """And what comes, until the container has ended."""


class PodLogs(Protocol):
    """Gives the log of a pod as its runner keeps it."""

    def open(self, namespace: str, pod: str, wanted: Portion) -> AsyncIterator[bytes]:
        """That portion of the log in pieces.

        Raises LookupError, at once or with the first piece, where there is no such log.
        """
