"""Repository calls bound to a lease: none writes after the lease has expired."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.github.api.repository_calls import RepositoryCalls


class LeaseExpired(Exception):
    """The lease expired before a write; another process may hold one now. The last write may have been too late."""


@dataclass(frozen=True, slots=True)
class LeaseGuard:
    """Repository calls that raise LeaseExpired in place of a late write; without `expires_at` they never do.

    Deleting is not guarded: it removes the younger of two duplicates, which is right at any time.
    """

    inner: RepositoryCalls
    expires_at: datetime | None
    clock: Callable[[], datetime]

    @property
    def name(self) -> str:
        """The repository as `owner/name`."""
        return self.inner.name

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON at the path."""
        return self.inner.get(path, **query)

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Yield the items of a list, page by page."""
        return self.inner.pages(path, **query)

    def text_end(self, path: str, size: int) -> str:
        """Return the last bytes of a stored file, as text."""
        return self.inner.text_end(path, size)

    def post(self, path: str, body: Any = None) -> Any:
        """Create and return an object; raise LeaseExpired if it is too late."""
        self._check()
        return self.inner.post(path, body)

    def patch(self, path: str, body: Any) -> Any:
        """Change and return an object; raise LeaseExpired if it is too late."""
        self._check()
        return self.inner.patch(path, body)

    def delete(self, path: str) -> None:
        """Delete the object at the path."""
        self.inner.delete(path)

    def _check(self) -> None:
        if self.expires_at and self.clock() >= self.expires_at:
            raise LeaseExpired
