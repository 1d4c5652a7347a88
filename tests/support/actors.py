"""Runs functions at the same time, one API call at a time, in an order that is prescribed.

Each works in a thread of its own and waits before every call until it is its turn; nothing else is left to chance,
so that the same order always gives the same result.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from functions.cluster.errors import ClusterError
from functions.cluster.transport import Request, Transport
from functions.queues.publisher import PublishError


def closed_gate() -> threading.Lock:
    """What one thread waits at (acquire) until the other opens it (release): cheaper than a semaphore."""
    gate = threading.Lock()
    gate.acquire()
    return gate


class Stepwise(Protocol):
    """Something at work, that makes one call at a time."""

    @property
    def ended(self) -> bool:
        """Whether it has no more call to make."""
        ...

    @property
    def error(self) -> BaseException | None:
        """What it died of."""
        ...

    def step(self) -> None:
        """Makes one call."""
        ...


class Actor:
    """One function at work. It is a `Transport`, and stops before each call that it carries."""

    def __init__(self, inner: Transport, work: Callable[[Transport], object]) -> None:
        self._inner, self._work = inner, work
        self._turn, self._parked = closed_gate(), closed_gate()
        self.ended = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.step()  # up to its first call

    def step(self) -> None:
        """Lets it make the call it waits for, and go on until before the next one or its end."""
        self._turn.release()
        self._parked.acquire()
        if self.ended:
            self._thread.join()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            self._work(self)
        except (ClusterError, PublishError):
            pass  # the function answers 503, and its event comes again
        except BaseException as error:  # noqa: BLE001  (handed to the thread that asks)
            self.error = error
        self.ended = True
        self._parked.release()

    def send(self, request: Request) -> Any:
        """Waits for its turn, then sends."""
        self._parked.release()
        self._turn.acquire()
        return self._inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self._inner.stream(request)


def in_order(actors: Sequence[Stepwise], order: Sequence[int]) -> tuple[int, ...]:
    """Lets the actors take turns as `order` says, then each in turn to its end; whose turn it really was.

    Raises what an actor died of, unless its event comes again then.
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
