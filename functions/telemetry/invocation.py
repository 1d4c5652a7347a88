"""One request from its arrival to its response: its span, its metrics, and the calls that are made for it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from functions.telemetry import context, current_telemetry, tracing
from functions.telemetry.metrics import API_CALLS, DURATION, EVENT_AGE

PUBLISHED = ("x-goog-pubsub-publish-time", "ce-time")
"""Headers with the time at which an event was published (Pub/Sub: Payload unwrapping) or created (CloudEvents)."""

KUBERNETES, QUEUE = "kubernetes", "queue"


@dataclass
class Invocation:
    """A request in progress: its response status, and the number of calls to the Kubernetes API."""

    code: int = 0
    api_calls: int = 0


_INVOCATION: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


@contextmanager
def record_invocation(headers: Mapping[str, str]) -> Iterator[Invocation]:
    """Record a request until the block ends, then send what is due; `headers` have lower-case names.

    A process may have no processor time between requests, so nothing is left to a background thread.
    """
    invocation = Invocation()
    token = _INVOCATION.set(invocation)
    try:
        with context.field_scope(), tracing.request_span(headers) as request:
            try:
                yield invocation
            finally:
                _describe(request.span, invocation)
        _measure(invocation, request.started, headers)
    finally:
        _INVOCATION.reset(token)
        current_telemetry.get().flush()


@contextmanager
def calling(peer: str, name: str) -> Iterator[None]:
    """Record a call for the current request, if there is one."""
    invocation = _INVOCATION.get()
    if invocation and peer == KUBERNETES:
        invocation.api_calls += 1
    with tracing.call_span(name, SpanKind.PRODUCER if peer == QUEUE else SpanKind.CLIENT, peer):
        yield


def _describe(span: Span, invocation: Invocation) -> None:
    fields = {f"agents.platform.{name}": value for name, value in context.fields().items() if value is not None}
    span.set_attributes({**fields, "http.response.status_code": invocation.code})
    if invocation.code >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _measure(invocation: Invocation, started: int, headers: Mapping[str, str]) -> None:
    function, now = current_telemetry.get().function, time.time_ns()
    DURATION.add((now - started) / 1e9, function=function, code=str(invocation.code))
    API_CALLS.add(invocation.api_calls, function=function)
    age = _age(headers, started)
    if age is not None:
        EVENT_AGE.add(age, function=function)


def _age(headers: Mapping[str, str], now: int) -> float | None:
    """Return the seconds since the event was published, or None if no header says when."""
    text = next((headers[name] for name in PUBLISHED if name in headers), "")
    try:
        published = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, now / 1e9 - published.timestamp()) if published.tzinfo else None
