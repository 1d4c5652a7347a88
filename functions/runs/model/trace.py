"""The trace of a run: one trace id from the request that created it to the agent that works on it. Pure.

Headers, events, annotations and environment variables carry it as a traceparent (W3C Trace Context). A traceparent
comes from outside and no work depends on it, so an invalid one is ignored.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import NonRecordingSpan, SpanContext, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from functions.runs import api_group

ANNOTATION = api_group.label("traceparent")
"""The trace of the request that created a run; a Job has the same, so that its events need not read the run."""

VARIABLE = "TRACEPARENT"
"""Environment variable of the agent (OpenTelemetry: Environment Variables as Context Propagation Carriers)."""

_HEADER = "traceparent"
_W3C = TraceContextTextMapPropagator()


def parse(text: object) -> SpanContext | None:
    """Return the span context of a traceparent, or None if it is not a valid one."""
    extracted = _W3C.extract({_HEADER: text}) if isinstance(text, str) else None
    span = get_current_span(extracted).get_span_context() if extracted else None
    return span if span and span.is_valid else None


def traceparent(context: SpanContext) -> str:
    """Return the traceparent of a span context; empty if the context is invalid."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, set_span_in_context(NonRecordingSpan(context)))
    return carrier.get(_HEADER, "")


def from_object(raw: Mapping[str, Any]) -> SpanContext | None:
    """Return the span context in the annotation of an object, or None if it has no valid one."""
    metadata = raw.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return parse(annotations.get(ANNOTATION)) if isinstance(annotations, Mapping) else None


def to_annotations(context: SpanContext | None) -> dict[str, str]:
    """Return the annotations of an object that belongs to the trace."""
    return {ANNOTATION: traceparent(context)} if context and context.is_valid else {}
