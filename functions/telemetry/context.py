"""The context of the current work: the fields of its log lines, and its trace.

Both are bound in the context of the thread, so that code deep below needs no parameter for them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.trace import SpanContext

from functions.events.event import GITHUB_EVENT, RESOURCE, Event
from functions.runs.model import trace
from functions.runs.model.run import Run
from functions.telemetry import tracing

Field = str | int | None

_FIELDS: ContextVar[Mapping[str, Field]] = ContextVar("fields", default={})  # noqa: B039  (never mutated)


def fields() -> Mapping[str, Field]:
    """Return the fields of every log line of this thread."""
    return _FIELDS.get()


def bind(**added: Field) -> None:
    """Add fields to every further log line."""
    _FIELDS.set({**_FIELDS.get(), **added})


@contextmanager
def field_scope() -> Iterator[None]:
    """Forget, when the block ends, the fields that were bound in it."""
    token = _FIELDS.set(_FIELDS.get())
    try:
        yield
    finally:
        _FIELDS.reset(token)


@contextmanager
def scope() -> Iterator[None]:
    """Forget, when the block ends, the fields and traces that were bound in it."""
    with field_scope(), tracing.nested_scope():
        yield


def span_context() -> SpanContext:
    """Return the span context of the current work; invalid outside of requests."""
    return tracing.current_span().get_span_context()


def bind_run(run: Run) -> None:
    """Record that the work is about that run, and continue in the run's trace."""
    bind(run=run.key, kind=run.kind, attempt=run.status.attempt)
    tracing.join(trace.from_object(run.raw))


def bind_event(event: Event) -> Event:
    """Record that the work is about that event, continue in the trace of its object or its own, and return it."""
    bind(event=event.id)
    if event.type.startswith(GITHUB_EVENT):
        bind(delivery=event.id)
    snapshot = event.data if event.type.startswith(RESOURCE) and isinstance(event.data, Mapping) else {}
    tracing.join(trace.from_object(snapshot) or trace.parse(event.trace))
    return event
