"""Memoized calls of functions, so that thousands of schedules need few real executions.

A function that gets the same answers at the same times makes the same calls, and schedules share most of their calls.
So a function is executed once for each answer that is new at that point; after that its calls are read from the cache.
For a new answer the function is executed from its start with the recorded answers, which checks that it makes the
recorded calls again, and then continues.
"""

from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime

from functions.cluster.errors import ClusterError
from functions.cluster.transport import Transport
from tests.faults.bench import FAILED, Bench
from tests.support.memoized_server import SerializedRequest
from tests.support.stepped_calls import Reply, SteppedFunction

Work = Callable[[Bench, Transport], object]
Calls = Generator[SerializedRequest, Reply, None]
"""The calls of an operation; each is sent its reply. Raises the operation's error."""


@dataclass
class CallNode:
    """A point in an operation: before the call `asks`, or its end, possibly with an error."""

    asks: SerializedRequest | None = None
    error: BaseException | None = None
    then: dict[Reply, "CallNode"] = field(default_factory=dict)


class CallTree:
    """The known calls of an operation from one state on."""

    def __init__(self, work: Work, bench: Bench) -> None:
        self._work, self._twin = work, bench.twin()
        self._start, self._called = CallNode(), Reply("", None, bench.harness.now)

    def calls(self) -> Calls:
        """Yield the operation's calls. Raise its error."""
        at, reply, before = self._start, self._called, list[tuple[SerializedRequest, Reply]]()
        while reply in at.then:
            at = at.then[reply]
            if not at.asks:
                return _end(at)
            reply = yield at.asks
            before.append((at.asks, reply))
        return (yield from self._executed(at, reply, before))

    def _executed(self, at: CallNode, reply: Reply, before: list[tuple[SerializedRequest, Reply]]) -> Calls:
        """Yield the calls after a reply that is new at that point. Raise the operation's error."""
        function = self._at_work()
        try:
            function.start(before)
            while True:
                at = at.then.setdefault(reply, CallNode(function.asks, function.error))
                if not at.asks:
                    return _end(at)
                reply = yield at.asks
                function.resume(reply)
        finally:
            function.kill()

    def _at_work(self) -> SteppedFunction:
        bench = self._twin()

        def clock(now: datetime) -> None:
            bench.harness.now = now

        return SteppedFunction(lambda transport: self._work(bench, transport), clock)


def _end(at: CallNode) -> None:
    if at.error:
        raise at.error.with_traceback(None)


def calls(work: Work, bench: Bench) -> Calls:
    """Return the calls of the operation, started in the bench's present state."""
    moment, now = bench.server.moment, bench.harness.now
    key = (work, bench.revision_key, now)
    if key not in moment.notes:
        moment.notes[key] = CallTree(work, bench)
    course: CallTree = moment.notes[key]
    return course.calls()


_errors: dict[object, ClusterError] = {}


def replied(transport: Transport, asked: SerializedRequest, bench: Bench) -> Reply:
    """Send a call through a transport over `bench.undecoded` and return its reply."""
    try:
        return Reply(transport.send(asked), None, bench.harness.now)
    except ClusterError as error:
        text = (type(error), str(error), str(vars(error)))  # errors with equal text are equal
        return Reply("", _errors.setdefault(text, error), bench.harness.now)


def perform(work: Work, bench: Bench, transport: Transport | None = None) -> None:
    """Perform the operation on the bench, through a transport over `bench.undecoded`. Raise the operation's error."""
    through = transport or bench.undecoded
    with closing(calls(work, bench)) as its, suppress(StopIteration):
        asked = next(its)
        while True:
            asked = its.send(replied(through, asked, bench))


class SteppedOperation:
    """An operation on a bench, performed call by call like `tests.support.actors.Actor`."""

    def __init__(self, work: Work, bench: Bench) -> None:
        self.ended = False
        self.error: BaseException | None = None
        self._bench, self._calls = bench, calls(work, bench)
        self._advance(lambda: next(self._calls))

    def step(self) -> None:
        """Make the next call, and continue up to the call after it or the end."""
        reply = replied(self._bench.undecoded, self._asked, self._bench)
        self._advance(lambda: self._calls.send(reply))

    def _advance(self, further: Callable[[], SerializedRequest]) -> None:
        try:
            self._asked = further()
        except (StopIteration, *FAILED):
            self.ended = True  # after a failure the event is redelivered
        except BaseException as error:  # noqa: BLE001  (handed to the caller)
            self.ended, self.error = True, error
