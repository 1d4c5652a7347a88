"""The log of a pod is not kept here: whoever runs pods provides it."""

from collections.abc import AsyncIterator
from typing import Protocol


class PodLogs(Protocol):
    """Gives the log of a pod as its runner keeps it."""

    def open(self, namespace: str, pod: str, *, follow: bool, tail_lines: int | None) -> AsyncIterator[bytes]:
        """Pieces of the log: what there is, from the last `tail_lines` lines, and with `follow` what comes.

        Raises LookupError, at once or with the first piece, where there is no such log.
        """
