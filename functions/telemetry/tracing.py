"""The spans of a request: one of its own, and one below it for each call it makes.

Several traces may be known of a request: that of the run it is about, else that of the event, else that of the HTTP
request. The first of them leads to the agent, but is known last: in the cloud the front end gives every HTTP request a
trace of its own, also the push of an event. A request's span is therefore started only when its ids are needed, by
the first log line, call or published event. Work that turns out to belong to another trace after that, such as each
run of a sweep, has a span in that trace, with a link to the request's.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from opentelemetry.context import attach, detach, get_current
from opentelemetry.propagators.cloud_trace_propagator import CloudTraceOneWayPropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from functions.telemetry import current_telemetry

MAX_CALL_SPANS = 200
"""Calls of one request that have a span; a sweep makes thousands."""

_HEADERS = CompositePropagator([CloudTraceOneWayPropagator(), TraceContextTextMapPropagator()])
"""Reads Google Cloud's header and the standard one, which takes precedence."""


@dataclass
class RequestTrace:
    """A request in progress: its span once started, spans of other traces within it, and its number of calls."""

    started: int = field(default_factory=time.time_ns)
    joined: list[Span] = field(default_factory=list)
    calls: int = 0
    _span: Span | None = None

    @property
    def has_started(self) -> bool:
        """Whether the request's span has ids, and with them a trace that can no longer change."""
        return self._span is not None

    @property
    def span(self) -> Span:
        """The request's span, which this starts in the present trace if it has not started."""
        if self._span is None:
            using = current_telemetry.get()
            self._span = using.tracer.start_span(using.function, kind=SpanKind.SERVER, start_time=self.started)
        return self._span

    def end_joined(self, keep: int = 0) -> None:
        """End all joined spans but the first `keep`."""
        while len(self.joined) > keep:
            self.joined.pop().end()


_REQUEST: ContextVar[RequestTrace | None] = ContextVar("request", default=None)


@contextmanager
def request_span(headers: Mapping[str, str]) -> Iterator[RequestTrace]:
    """Trace a request until the block ends; `headers` have lower-case names."""
    request = RequestTrace()
    token, before = _REQUEST.set(request), attach(_HEADERS.extract(headers))
    try:
        yield request
    finally:
        request.end_joined()
        request.span.end()
        detach(before)
        _REQUEST.reset(token)


@contextmanager
def nested_scope() -> Iterator[None]:
    """Return to the present span when the block ends, and end the spans of the traces that were joined in it."""
    current_span()
    request, before = _REQUEST.get(), attach(get_current())
    joined = len(request.joined) if request else 0
    try:
        yield
    finally:
        if request:
            request.end_joined(keep=joined)
        detach(before)


def current_span() -> Span:
    """Return the span of the current work, after starting it if it is the request's span and has not started."""
    active, request = get_current_span(), _REQUEST.get()
    if request is None or _is_local(active):
        return active
    attach(set_span_in_context(request.span))
    return request.span


def join(leading: SpanContext | None) -> None:
    """Continue a request in that trace; nothing changes if the work already belongs to it, or outside of requests."""
    active, request = get_current_span().get_span_context(), _REQUEST.get()
    if request is None or leading is None or leading.trace_id == active.trace_id:
        return
    parent = set_span_in_context(NonRecordingSpan(leading))
    if not request.has_started:
        attach(parent)
        return
    using = current_telemetry.get()
    span = using.tracer.start_span(using.function, parent, links=[Link(active)])
    request.joined.append(span)
    attach(set_span_in_context(span))


@contextmanager
def call_span(name: str, kind: SpanKind, peer: str) -> Iterator[None]:
    """Trace a call to the service `peer`; an exception marks the span, without its text, which may hold a secret."""
    request = _REQUEST.get()
    if request:
        request.calls += 1
    if request is None or request.calls > MAX_CALL_SPANS:
        yield
        return
    current_span()
    span = current_telemetry.get().tracer.start_span(name, kind=kind, attributes={"peer.service": peer})
    try:
        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield
    except BaseException as error:
        span.set_attribute("error.type", type(error).__name__)
        raise
    finally:
        span.end()


def _is_local(span: Span) -> bool:
    context = span.get_span_context()
    return context.is_valid and not context.is_remote
