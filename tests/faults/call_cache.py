"""What functions did, remembered, so that thousands of schedules cost few runs of them.

A function does the same wherever it is told the same at the same times, and schedules share most of what happens in
them. So each function is really at work once for every answer that it was never given there; from then on its calls
are recalled. Where an answer is unheard of, the function works again from its start, is told what led there, and goes
on: that it asks the same again meanwhile is checked each time.
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
"""The calls of some work, for each of which it is sent a reply; raises what the work raises."""


@dataclass
class CallNode:
    """Where work stands: before the call that it asks for, or at its end, which may be an error."""

    asks: SerializedRequest | None = None
    error: BaseException | None = None
    then: dict[Reply, "CallNode"] = field(default_factory=dict)


class CallTree:
    """All that some work is known to do from one moment on."""

    def __init__(self, work: Work, bench: Bench) -> None:
        self._work, self._twin = work, bench.twin()
        self._start, self._called = CallNode(), Reply("", None, bench.harness.now)

    def calls(self) -> Calls:
        """Its calls. Raises what it raises."""
        at, reply, before = self._start, self._called, list[tuple[SerializedRequest, Reply]]()
        while reply in at.then:
            at = at.then[reply]
            if not at.asks:
                return _end(at)
            reply = yield at.asks
            before.append((at.asks, reply))
        return (yield from self._found_out(at, reply, before))

    def _found_out(self, at: CallNode, reply: Reply, before: list[tuple[SerializedRequest, Reply]]) -> Calls:
        """Its calls after a reply that was never given at that point. Raises what it raises."""
        function = self._at_work()
        try:
            function.start(before)
            while True:
                at = at.then.setdefault(reply, CallNode(function.asks, function.error))
                if not at.asks:
                    return _end(at)
                reply = yield at.asks
                function.tell(reply)
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
    """The calls that work makes, begun at the place as it is now. Raises what the work raises."""
    moment, now = bench.server.moment, bench.harness.now
    key = (work, bench.revision_key, now)
    if key not in moment.notes:
        moment.notes[key] = CallTree(work, bench)
    course: CallTree = moment.notes[key]
    return course.calls()


_errors: dict[object, ClusterError] = {}


def replied(transport: Transport, asked: SerializedRequest, bench: Bench) -> Reply:
    """What comes of a call at the place, through a transport over `place.undecoded`."""
    try:
        return Reply(transport.send(asked), None, bench.harness.now)
    except ClusterError as error:
        text = (type(error), str(error), str(vars(error)))  # errors are alike that say the same
        return Reply("", _errors.setdefault(text, error), bench.harness.now)


def perform(work: Work, bench: Bench, transport: Transport | None = None) -> None:
    """Makes it happen at the place, through a transport over `place.undecoded`. Raises what the work raises."""
    through = transport or bench.undecoded
    with closing(calls(work, bench)) as its, suppress(StopIteration):
        asked = next(its)
        while True:
            asked = its.send(replied(through, asked, bench))


class SteppedOperation:
    """Work at a place that is done call by call, as by `tests.support.actors.Actor`."""

    def __init__(self, work: Work, bench: Bench) -> None:
        self.ended = False
        self.error: BaseException | None = None
        self._bench, self._calls = bench, calls(work, bench)
        self._advance(lambda: next(self._calls))

    def step(self) -> None:
        """Makes the call that it waits for, and goes on until before the next one or its end."""
        reply = replied(self._bench.undecoded, self._asked, self._bench)
        self._advance(lambda: self._calls.send(reply))

    def _advance(self, further: Callable[[], SerializedRequest]) -> None:
        try:
            self._asked = further()
        except (StopIteration, *FAILED):
            self.ended = True  # where it failed, its event comes again
        except BaseException as error:  # noqa: BLE001  (handed to the caller)
            self.ended, self.error = True, error
