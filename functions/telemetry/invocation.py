"""One request from its arrival to its answer, with the calls that were made for it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from functions.telemetry import context, sink
from functions.telemetry.propagation import received

PUBLISHED = ("x-goog-pubsub-publish-time", "ce-time")
"""Headers with the time an event was put on the queue (Pub/Sub: Payload unwrapping), or was made (CloudEvents)."""

MOST_CALLS = 200
"""Calls of which more than their number is kept: a sweep makes thousands."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call to somebody else: `started` and `ended` in ns since 1970; `error` is the kind of what it raised."""

    to: str
    name: str
    started: int
    ended: int
    error: str = ""


@dataclass
class Invocation:
    """A request: `age` is the seconds since its event was published, if it says so; `code` is what was answered."""

    started: int
    age: float | None = None
    ended: int = 0
    code: int = 0
    api_calls: int = 0
    calls: list[Call] = field(default_factory=list)

    def note(self, call: Call) -> None:
        """Keeps a call that was made for it."""
        self.api_calls += call.to == KUBERNETES
        if len(self.calls) < MOST_CALLS:
            self.calls.append(call)


KUBERNETES, QUEUE = "kubernetes", "queue"
_WORK: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


@contextmanager
def record_invocation(headers: Mapping[str, str]) -> Iterator[Invocation]:
    """A request while it is answered, in the trace its headers (lower-case names) name; then told to the sink."""
    with context.scope():
        context.begin(received(headers))
        now = time.time_ns()
        work = Invocation(now, _age(headers, now))
        token = _WORK.set(work)
        try:
            yield work
        finally:
            _WORK.reset(token)
            work.ended = time.time_ns()
            sink.current().finished(work, context.current())


@contextmanager
def calling(to: str, name: str) -> Iterator[None]:
    """A call for the request that is under way, if one is."""
    work, started, error = _WORK.get(), time.time_ns(), ""
    try:
        yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        if work:
            work.note(Call(to, name, started, time.time_ns(), error))


def _age(headers: Mapping[str, str], now: int) -> float | None:
    text = next((headers[name] for name in PUBLISHED if name in headers), "")
    try:
        published = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, now / 1e9 - published.timestamp()) if published.tzinfo else None
