"""The interface for logs of pods between the API server, which serves them, and the runner, which stores them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Portion:
    """The requested part of a log: of the last `tail_lines` lines (None: all), those written at or after `since`."""

    tail_lines: int | None = None
    since: datetime | None = None
    timestamps: bool = False
    """Whether each line begins with its time (RFC 3339) and a space."""
    follow: bool = False
    """Whether to continue with new lines until the container has ended."""
    container: str = ""
    """Whose log it is; empty: the pod's default container (functions/cluster/containers.py)."""


class PodLogs(Protocol):
    """Returns the logs of pods."""

    def open(self, namespace: str, pod: str, portion: Portion) -> AsyncIterator[bytes]:
        """Yield that portion of the log in pieces.

        Raises:
            LookupError: the pod has no log; raised by the call or by the first iteration.
        """
