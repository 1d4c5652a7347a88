"""Common parts of the bare functions: JSON logs, a span and a count per request, with the product's libraries."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.propagators.cloud_trace_propagator import CloudTraceOneWayPropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pythonjsonlogger.json import JsonFormatter

log = logging.getLogger("bare")
REQUESTS = metrics.get_meter("bare").create_counter("requests")
PROPAGATOR = CompositePropagator([CloudTraceOneWayPropagator(), TraceContextTextMapPropagator()])


def configure_logs() -> None:
    """Write one JSON object per log line to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter("%(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


@contextmanager
def traced(name: str, headers: Mapping[str, str]) -> Iterator[None]:
    """Run the block in a span of the caller's trace, then count and log it."""
    context = PROPAGATOR.extract(headers)
    with trace.get_tracer("bare").start_as_current_span(name, context):
        yield
    REQUESTS.add(1)
    log.info("done: %s", name)
