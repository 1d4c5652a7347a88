"""Runs functions concurrently, one API call at a time, in a given order.

Each function has its own thread and waits before each call for its turn, so that the same order always gives the same
result.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from functions.cluster.errors import ClusterError
from functions.cluster.transport import Request, Transport
from functions.queues.publisher import PublishError


def closed_gate() -> threading.Lock:
    """Return a lock that one thread acquires and the other releases: cheaper than a semaphore."""
    gate = threading.Lock()
    gate.acquire()
    return gate


class Stepwise(Protocol):
    """A function that makes one call at a time."""

    @property
    def ended(self) -> bool:
        """Return whether the function has ended."""
        ...

    @property
    def error(self) -> BaseException | None:
        """Return the error that it ended with, if any."""
        ...

    def step(self) -> None:
        """Make one call."""
        ...


class Actor:
    """A running function and its `Transport`, which stops before each call."""

    def __init__(self, inner: Transport, work: Callable[[Transport], object]) -> None:
        self._inner, self._work = inner, work
        self._turn, self._parked = closed_gate(), closed_gate()
        self.ended = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.step()  # up to its first call

    def step(self) -> None:
        """Make the next call, and continue up to the call after it or the end."""
        self._turn.release()
        self._parked.acquire()
        if self.ended:
            self._thread.join()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            self._work(self)
        except (ClusterError, PublishError):
            pass  # the function answers 503, and its event is redelivered
        except BaseException as error:  # noqa: BLE001  (handed to the thread that asks)
            self.error = error
        self.ended = True
        self._parked.release()

    def send(self, request: Request) -> Any:
        """Wait for the function's turn, then send."""
        self._parked.release()
        self._turn.acquire()
        return self._inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self._inner.stream(request)


def in_order(actors: Sequence[Stepwise], order: Sequence[int]) -> tuple[int, ...]:
    """Run the actors in that order of calls, then each to its end; return the order that was possible.

    Raise an actor's error, unless it leads to a redelivery.
    """
    taken = []
    for index in order:
        if not actors[index].ended:
            actors[index].step()
            taken.append(index)
    for index, actor in enumerate(actors):
        while not actor.ended:
            actor.step()
            taken.append(index)
    for actor in actors:
        if actor.error:
            raise actor.error
    return tuple(taken)
