"""Whose work is being done, and in which trace: bound once, and from then on in every log line and event.

Bound in the context of the thread, so that what is called deep below needs no parameter for it. Works with
nothing but the standard library, whether or not anything is exported.

Of several traces the one that leads to the agent wins: that of the run, else that of the event, else that of the HTTP
request. In the cloud, every HTTP request gets a trace of its own from the front end, also the push of an event.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from functions.events.event import GITHUB_EVENT, RESOURCE, Event
from functions.runs.model import trace
from functions.runs.model.trace import Trace

if TYPE_CHECKING:
    from functions.runs.model.run import Run

Field = str | int | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known of the work: fields of its log lines; `trace.span` is ours, `parent` the one it comes from."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    trace: Trace | None = None
    parent: str = ""


_SCOPE: ContextVar[Scope] = ContextVar("scope", default=Scope())  # noqa: B039  (it cannot be changed)


def current() -> Scope:
    """What is known of the work that this thread does."""
    return _SCOPE.get()


@contextmanager
def scope() -> Iterator[None]:
    """What is bound in it is forgotten after it."""
    token = _SCOPE.set(_SCOPE.get())
    try:
        yield
    finally:
        _SCOPE.reset(token)


def begin(received: Trace | None) -> None:
    """Work begins: with a span of its own, in the trace that was received, else in one of its own."""
    span = secrets.token_hex(8)
    found = replace(received, span=span) if received else Trace(secrets.token_hex(16), span, sampled=True)
    _SCOPE.set(Scope({}, found, received.span if received else ""))


def bind(**fields: Field) -> None:
    """Adds fields to every log line from here on."""
    _SCOPE.set(replace(current(), fields={**current().fields, **fields}))


def join_trace(leading: Trace | None) -> None:
    """The work belongs to that trace, if there is one; within a trace it stays where it is."""
    now = current()
    if leading and (now.trace is None or now.trace.id != leading.id):
        span = now.trace.span if now.trace else leading.span
        _SCOPE.set(replace(now, trace=replace(leading, span=span), parent=leading.span))


def bind_run(run: "Run") -> None:
    """The work is about that run."""
    bind(run=run.key, kind=run.kind, attempt=run.status.attempt)
    join_trace(trace.from_object(run.raw))


def bind_event(event: Event) -> Event:
    """The work is about that event, or about the object in it; the event."""
    bind(event=event.id)
    if event.type.startswith(GITHUB_EVENT):
        bind(delivery=event.id)
    shown = event.data if event.type.startswith(RESOURCE) and isinstance(event.data, Mapping) else {}
    join_trace(trace.from_object(shown) or trace.parse(event.trace))
    return event
