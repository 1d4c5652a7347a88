"""A function that stops before each of its calls until it gets the reply.

It runs in its own thread; only one of the two threads runs at a time.
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
    """The result of a call: the answer as JSON or the error, and the time."""

    text: str
    error: ClusterError | None
    now: datetime


class NondeterminismError(BaseException):
    """A function made another call than before, after the same replies."""


class SteppedFunction:
    """A running function and its `Transport`, which also sets the function's clock."""

    def __init__(self, work: Callable[[Transport], object], clock: Callable[[datetime], object]) -> None:
        self._work, self._clock = work, clock
        self._turn, self._parked = closed_gate(), closed_gate()
        self._before: deque[tuple[SerializedRequest, Reply]] = deque()
        self._reply: Reply | None = None
        self._killed = False
        self.asks: SerializedRequest | None = None
        """The call whose reply it waits for; None after its end."""
        self.error: BaseException | None = None
        """The error that it ended with."""

    def start(self, before: Iterable[tuple[SerializedRequest, Reply]]) -> None:
        """Replay the calls in `before`, and run up to the next call or the end.

        Raise NondeterminismError if the function makes other calls.
        """
        self._before.extend(before)
        threading.Thread(target=self._run, daemon=True).start()
        self._parked.acquire()
        if self._before or isinstance(self.error, NondeterminismError):
            raise (
                self.error
                if isinstance(self.error, NondeterminismError)
                else NondeterminismError(f"it did not ask for {self._before[0]}")
            )

    def resume(self, reply: Reply | None) -> None:
        """Reply to the call, and run up to the next call or the end."""
        self._reply, self.asks = reply, None
        self._turn.release()
        self._parked.acquire()

    def kill(self) -> None:
        """End the function at its present call."""
        self._killed = True
        if self.asks:
            self.resume(None)

    def _run(self) -> None:
        try:
            self._work(self)
        except BaseException as error:  # noqa: BLE001  (handed to the thread that asks)
            self.error = error.with_traceback(None)
        self._parked.release()

    def send(self, request: Request) -> Any:
        """Return the decoded answer of the reply. Raise the reply's error, or Killed after `kill`."""
        reply = self._recorded_reply(request) if self._before else self._next_reply(request)
        self._clock(reply.now)
        if reply.error:
            raise reply.error.with_traceback(None)
        return json.loads(reply.text)

    def _recorded_reply(self, request: Request) -> Reply:
        asked, reply = self._before.popleft()
        if serialize(request) != asked.written:
            raise NondeterminismError(f"it asked for {serialize(request)}, not for {asked.written}")
        return reply

    def _next_reply(self, request: Request) -> Reply:
        if not self._killed:
            self.asks = SerializedRequest.parse(serialize(request))
            self._parked.release()
            self._turn.acquire()
        if self._killed or not self._reply:
            raise Killed(f"before {request.method} {request.path}")
        return self._reply

    def stream(self, request: Request) -> Iterator[Any]:
        """Raise Unavailable: a function call cannot hold a watch open."""
        raise Unavailable(f"no watch of {request.path} without a socket")
