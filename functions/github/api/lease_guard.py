"""Calls about a repository for as long as the caller has a claim: whoever was too slow writes nothing any more."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.github.api.sync import Calls


class LeaseExpired(Exception):
    """It took too long: somebody else may be telling. What was sent last may have come too late already."""


@dataclass(frozen=True, slots=True)
class LeaseGuard:
    """The calls of `inner`, of which none writes once the claim is over; a claim without an end stays.

    What is deleted is the younger of two that are alike, which is as right later.
    """

    inner: Calls
    until: datetime | None
    clock: Callable[[], datetime]

    def get(self, path: str, **query: str) -> Any:
        """The JSON that is there."""
        return self.inner.get(path, **query)

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """The items of a list, page by page."""
        return self.inner.pages(path, **query)

    def post(self, path: str, body: Any = None) -> Any:
        """What was made. Raises ClaimOver."""
        self._look()
        return self.inner.post(path, body)

    def patch(self, path: str, body: Any) -> Any:
        """What was changed. Raises ClaimOver."""
        self._look()
        return self.inner.patch(path, body)

    def delete(self, path: str) -> None:
        """Removes it."""
        self.inner.delete(path)

    def _look(self) -> None:
        if self.until and self.clock() >= self.until:
            raise LeaseExpired
