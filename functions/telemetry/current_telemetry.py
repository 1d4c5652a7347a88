"""The OpenTelemetry tracer and meter of this process.

Until a process installs an exporter (telemetry/otlp.py), metrics are dropped and spans are not recorded. Spans have
ids all the same, because logs, events and runs carry them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from secrets import randbits
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    TraceFlags,
    Tracer,
    get_current_span,
)


class IdTracer(NoOpTracer):
    """A tracer that records nothing and gives every span an id, in the trace of its parent or in a new one."""

    def start_span(self, name: str, context: Context | None = None, *_: Any, **__: Any) -> Span:  # noqa: ARG002
        """Return a span that only has a span context."""
        parent = get_current_span(context).get_span_context()
        trace_id = parent.trace_id if parent.is_valid else randbits(128)
        flags = parent.trace_flags if parent.is_valid else TraceFlags(TraceFlags.SAMPLED)
        return NonRecordingSpan(SpanContext(trace_id, randbits(64), False, flags, parent.trace_state))


def _nothing() -> None:
    """Flush nothing."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Tracer and meter of a process.

    `function` names the spans of requests; `flush` sends what is recorded, within a bounded time.
    """

    function: str = "request"
    tracer: Tracer = field(default_factory=IdTracer)
    meter: Meter = field(default_factory=partial(NoOpMeter, "orchestrator"))
    flush: Callable[[], None] = _nothing


_installed: list[Telemetry] = [Telemetry()]


def get() -> Telemetry:
    """Return the telemetry of this process."""
    return _installed[-1]


def install(telemetry: Telemetry) -> Telemetry:
    """Use this telemetry from now on; return the one before."""
    before, _installed[:] = _installed[-1], [telemetry]
    return before
