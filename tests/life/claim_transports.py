"""Transports by which concurrent requests for one task meet, or the API server rejects a run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from threading import Barrier
from typing import Any

from functions.cluster.errors import Invalid
from functions.cluster.transport import Request, Transport


@dataclass
class ReadBarrier:
    """Hold the first `many` readers of `what` until all have read it, so that all see the same."""

    inner: Transport
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

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)


@dataclass
class BeforeDelete:
    """A transport that calls `happens` before its first DELETE."""

    inner: Transport
    happens: Callable[[], object]

    def send(self, request: Request) -> Any:
        if request.method == "DELETE":
            happens, self.happens = self.happens, lambda: None
            happens()
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)


@dataclass
class Refusing:
    """An API server that rejects every CodeRun."""

    inner: Transport

    def send(self, request: Request) -> Any:
        if request.method == "POST" and request.path.endswith("/coderuns"):
            raise Invalid("no such run", [("spec", "is refused")])
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)
