"""Traces and metrics to a collector, by OTLP over HTTP. The only module that loads OpenTelemetry.

A function that is not asked anything may be given no processor time, so nothing is left for later: spans are sent
before the answer is, metrics every few seconds in the same way. A collector that does not answer is left alone for a
while, since a request is worth more than its trace.
"""

import atexit
import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Counter, Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from functions import __version__
from functions.settings.telemetry import ObservabilitySettings
from functions.telemetry.context import Scope
from functions.telemetry.invocation import Invocation
from functions.telemetry.metrics import API_CALLS, DURATION, EVENT_AGE, METRICS, Metric

SEND_SECONDS = 2.0
"""Longest that sending may hold up an answer."""
REST_SECONDS = 30.0
"""How long a collector that took too long is left alone."""
METRICS_SECONDS = 10.0
"""Metrics are sent at most so often; those of the last seconds when the process ends."""

_span: ContextVar[str] = ContextVar("span", default="")


class Ids(RandomIdGenerator):
    """Gives a request's span the id that its log lines and events already carry."""

    def generate_span_id(self) -> int:
        """That id, or a new one."""
        return int(_span.get(), 16) if _span.get() else super().generate_span_id()


class Otlp:
    """The sink that exports."""

    def __init__(self, settings: ObservabilitySettings, function: str) -> None:
        self._function = function
        url = settings.otlp_endpoint.rstrip("/")
        headers = {name: secret.get_secret_value() for name, secret in settings.otlp_headers.items()}
        resource = Resource.create(
            {
                "service.name": f"orchestrator-{function.replace('_', '-')}",
                "service.version": __version__,
                "service.instance.id": str(uuid.uuid4()),
            }
        )
        spans = OTLPSpanExporter(endpoint=f"{url}/v1/traces", headers=headers, timeout=SEND_SECONDS)
        points = OTLPMetricExporter(endpoint=f"{url}/v1/metrics", headers=headers, timeout=SEND_SECONDS)
        self._spans = TracerProvider(resource=resource, id_generator=Ids(), shutdown_on_exit=False)
        self._spans.add_span_processor(BatchSpanProcessor(spans))
        self._tracer = self._spans.get_tracer("orchestrator", __version__)
        reader = PeriodicExportingMetricReader(points, float("inf"), SEND_SECONDS * 1000)
        self._meters = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._instruments = {each.name: self._instrument(each) for each in METRICS}
        self._metrics_due = self._rests_until = 0.0
        atexit.register(self.close)

    def _instrument(self, metric: Metric) -> Counter | Histogram:
        meter = self._meters.get_meter("orchestrator", __version__)
        if metric.kind == "counter":
            return meter.create_counter(metric.name, metric.unit, metric.description)
        buckets = {"explicit_bucket_boundaries_advisory": metric.buckets}
        return meter.create_histogram(metric.name, metric.unit, metric.description, **buckets)

    def measured(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        """A value of a metric."""
        instrument = self._instruments[metric.name]
        if isinstance(instrument, Counter):
            instrument.add(value, dict(labels))
        else:
            instrument.record(value, dict(labels))

    def finished(self, work: Invocation, scope: Scope) -> None:
        """A request was answered: measures it, and sends what is due."""
        DURATION.add((work.ended - work.started) / 1e9, function=self._function, code=str(work.code))
        API_CALLS.add(work.api_calls, function=self._function)
        if work.age is not None:
            EVENT_AGE.add(work.age, function=self._function)
        self._trace(work, scope)
        self._send()

    def _trace(self, work: Invocation, scope: Scope) -> None:
        """Its span, named after the function, and one below it for each call that was kept."""
        found = scope.trace
        if not found or not found.sampled:
            return
        above = _context(found.id, scope.parent or found.span)
        fields = {f"agents.platform.{name}": value for name, value in scope.fields.items() if value is not None}
        token = _span.set(found.span)
        try:
            root = self._tracer.start_span(self._function, above, SpanKind.SERVER, fields, start_time=work.started)
        finally:
            _span.reset(token)
        root.set_attribute("http.response.status_code", work.code)
        if work.code >= 500:
            root.set_status(Status(StatusCode.ERROR))
        below = otel.set_span_in_context(root)
        for call in work.calls:
            kind = SpanKind.PRODUCER if call.to == "queue" else SpanKind.CLIENT
            span = self._tracer.start_span(call.name, below, kind, {"peer.service": call.to}, start_time=call.started)
            if call.error:
                span.set_attribute("error.type", call.error)
            span.end(call.ended)
        root.end(work.ended)

    def _send(self) -> None:
        now = time.monotonic()
        if now < self._rests_until:
            return
        self._spans.force_flush(int(SEND_SECONDS * 1000))
        if now >= self._metrics_due:
            self._metrics_due = now + METRICS_SECONDS
            self._meters.force_flush(SEND_SECONDS * 1000)
        if time.monotonic() - now >= SEND_SECONDS / 2:
            self._rests_until = time.monotonic() + REST_SECONDS

    def close(self) -> None:
        """Sends what is left; also at the end of the process."""
        atexit.unregister(self.close)
        self._meters.force_flush(SEND_SECONDS * 1000)
        self._spans.shutdown()
        self._meters.shutdown()


def _context(trace: str, span: str) -> Context:
    """Where a span of the trace comes from."""
    remote = SpanContext(int(trace, 16), int(span, 16), True, TraceFlags(TraceFlags.SAMPLED))
    return otel.set_span_in_context(NonRecordingSpan(remote))
