"""Repository calls about a recent event: an answer that may change raises NotReady, so that the event is retried.

GitHub is eventually consistent. For some minutes after an event an issue, a commit or a permission may be missing, and
a request about it may be refused. After GRACE_PERIOD such an answer is final.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.github.api.errors import GithubError, NotReady
from functions.github.api.repository_calls import RepositoryCalls

GRACE_PERIOD = timedelta(minutes=10)
"""How long after an event an answer may change; shorter than a queue redelivers the event (queues/topology.py)."""

RETRY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class RecentEventCalls:
    """The calls of `inner` after an event at `event_time`; without a time every answer is final.

    Changing and deleting are not affected: both are about an object that GitHub has shown before.
    """

    inner: RepositoryCalls
    event_time: datetime | None
    clock: Callable[[], datetime]

    @property
    def name(self) -> str:
        """The repository as `owner/name`."""
        return self.inner.name

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON at the path."""
        with self._retried():
            return self.inner.get(path, **query)

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Yield the items of a list, page by page."""
        with self._retried():
            yield from self.inner.pages(path, **query)

    def text_end(self, path: str, size: int) -> str:
        """Return the last bytes of a stored file, as text."""
        with self._retried():
            return self.inner.text_end(path, size)

    def post(self, path: str, body: Any = None) -> Any:
        """Create and return an object."""
        with self._retried():
            return self.inner.post(path, body)

    def patch(self, path: str, body: Any) -> Any:
        """Change and return an object."""
        return self.inner.patch(path, body)

    def delete(self, path: str) -> None:
        """Delete the object at the path."""
        self.inner.delete(path)

    @contextmanager
    def _retried(self) -> Iterator[None]:
        try:
            yield
        except GithubError as error:
            if error.may_change and self._is_recent():
                raise NotReady(f"{error} (it is retried soon after the event)", RETRY_SECONDS) from error
            raise

    def _is_recent(self) -> bool:
        """Return whether the event is younger than GRACE_PERIOD; a clock that is behind GitHub's makes it younger."""
        return self.event_time is not None and self.clock() < self.event_time + GRACE_PERIOD
