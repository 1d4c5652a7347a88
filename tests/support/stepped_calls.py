"""A function that stops before each of its calls, until it is told what comes of it.

It works in a thread of its own; only one of the two threads ever does anything.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from functions.cluster.errors import ClusterError, Unavailable
from functions.cluster.transport import Request, Transport
from tests.support.actors import closed_gate
from tests.support.crashing import Killed
from tests.support.memoized_server import SerializedRequest, serialize


class Reply(NamedTuple):
    """What a function gets to know by a call: the answer as JSON, or the error; and the time."""

    text: str
    error: ClusterError | None
    now: datetime


class NondeterminismError(BaseException):
    """A function did something else than before, though it was told the same."""


class SteppedFunction:
    """A function at work. It is a `Transport`, and sets the function's clock."""

    def __init__(self, work: Callable[[Transport], object], clock: Callable[[datetime], object]) -> None:
        self._work, self._clock = work, clock
        self._turn, self._parked = closed_gate(), closed_gate()
        self._before: deque[tuple[SerializedRequest, Reply]] = deque()
        self._reply: Reply | None = None
        self._killed = False
        self.asks: SerializedRequest | None = None
        """The call that it waits for; None once it ended."""
        self.error: BaseException | None = None
        """What it ended with."""

    def start(self, before: Iterable[tuple[SerializedRequest, Reply]]) -> None:
        """Lets it work up to its first call that is not one of those `before`, or its end. Raises Strayed."""
        self._before.extend(before)
        threading.Thread(target=self._run, daemon=True).start()
        self._parked.acquire()
        if self._before or isinstance(self.error, NondeterminismError):
            raise (
                self.error
                if isinstance(self.error, NondeterminismError)
                else NondeterminismError(f"it did not ask for {self._before[0]}")
            )

    def tell(self, reply: Reply | None) -> None:
        """Lets it go on with that reply, up to its next call or its end."""
        self._reply, self.asks = reply, None
        self._turn.release()
        self._parked.acquire()

    def kill(self) -> None:
        """Ends it where it stands."""
        self._killed = True
        if self.asks:
            self.tell(None)

    def _run(self) -> None:
        try:
            self._work(self)
        except BaseException as error:  # noqa: BLE001  (handed to the thread that asks)
            self.error = error.with_traceback(None)
        self._parked.release()

    def send(self, request: Request) -> Any:
        """The decoded answer, once there is one. Raises the error that it was told, and Killed once it was killed."""
        reply = self._told_before(request) if self._before else self._told(request)
        self._clock(reply.now)
        if reply.error:
            raise reply.error.with_traceback(None)
        return json.loads(reply.text)

    def _told_before(self, request: Request) -> Reply:
        asked, reply = self._before.popleft()
        if serialize(request) != asked.written:
            raise NondeterminismError(f"it asked for {serialize(request)}, not for {asked.written}")
        return reply

    def _told(self, request: Request) -> Reply:
        if not self._killed:
            self.asks = SerializedRequest.parse(serialize(request))
            self._parked.release()
            self._turn.acquire()
        if self._killed or not self._reply:
            raise Killed(f"before {request.method} {request.path}")
        return self._reply

    def stream(self, request: Request) -> Iterator[Any]:
        """No watch can be held open by a function call. Raises Unavailable."""
        raise Unavailable(f"no watch of {request.path} without a socket")
