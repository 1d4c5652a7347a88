"""A transport whose process stands still after a chosen call, while the world goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from functions.cluster.transport import Request, Transport


@dataclass
class Freezing:
    """After call `at` (0-based) is done, `meanwhile` happens before its answer is seen."""

    inner: Transport
    at: int
    meanwhile: Callable[[], object]
    sent: int = 0

    @property
    def struck(self) -> bool:
        """Whether that call was made."""
        return self.sent > self.at

    def send(self, request: Request) -> Any:
        number, self.sent = self.sent, self.sent + 1
        try:
            return self.inner.send(request)
        finally:
            if number == self.at:
                self.meanwhile()

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)
