"""A transport whose process dies at a chosen call: before or after the API server applied it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from functions.cluster.transport import Request, Transport


class Killed(BaseException):
    """The process is gone; no handler can catch it and tidy up."""


@dataclass
class Crashing:
    """Dies at call `at` (0-based), before it is sent or after it was applied; every later call dies too."""

    inner: Transport
    at: int
    after: bool
    sent: int = 0

    @property
    def struck(self) -> bool:
        """Whether that call was made."""
        return self.sent > self.at

    def send(self, request: Request) -> Any:
        number, self.sent = self.sent, self.sent + 1
        if number < self.at:
            return self.inner.send(request)
        if number == self.at and self.after:
            self.inner.send(request)
        raise Killed(f"at call {number}: {request.method} {request.path}")

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)
