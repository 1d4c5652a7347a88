"""A transport that does something of its own at a chosen call."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from functions.cluster.transport import Request, Transport


@dataclass
class CallInterceptor:
    """Counts what is sent; `call` says what becomes of it, `at` (0-based) is the first that is not as ever."""

    inner: Transport
    at: int
    sent: int = field(default=0, init=False)

    @property
    def triggered(self) -> bool:
        """Whether that call was made."""
        return self.sent > self.at

    def send(self, request: Request) -> Any:
        number, self.sent = self.sent, self.sent + 1
        return self.call(number, request)

    def call(self, number: int, request: Request) -> Any:
        """The answer to call `number` (0-based), or what is raised in its place."""
        raise NotImplementedError

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)
