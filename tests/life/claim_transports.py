"""Transports by which concurrent requests for one task meet, or the API server rejects a run."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from threading import Barrier
from typing import Any

from functions.cluster.errors import Invalid
from functions.cluster.transport import Request
from tests.support.forwarding import ForwardingTransport


@dataclass
class ReadBarrier(ForwardingTransport):
    """Hold the first `many` readers of `what` until all have read it, so that all see the same."""

    what: str
    many: int

    def __post_init__(self) -> None:
        self._barrier, self._arrived = Barrier(self.many), count()

    def send(self, request: Request) -> Any:
        found = self.inner.send(request)
        read = request.path.rsplit("/", 1)[-1] if request.method == "GET" else ""
        if read.startswith(self.what) and next(self._arrived) < self.many:
            self._barrier.wait(timeout=60)
        return found


@dataclass
class BeforeDelete(ForwardingTransport):
    """A transport that calls `happens` before its first DELETE."""

    happens: Callable[[], object]

    def send(self, request: Request) -> Any:
        if request.method == "DELETE":
            happens, self.happens = self.happens, lambda: None
            happens()
        return self.inner.send(request)


@dataclass
class Refusing(ForwardingTransport):
    """An API server that rejects every CodeRun."""

    def send(self, request: Request) -> Any:
        if request.method == "POST" and request.path.endswith("/coderuns"):
            raise Invalid("no such run", [("spec", "is refused")])
        return self.inner.send(request)
