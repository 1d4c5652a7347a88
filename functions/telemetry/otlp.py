"""Export of traces and metrics by OTLP over HTTP. The only module that needs the OpenTelemetry SDK.

A process may have no processor time between requests, so no background thread exports: spans are sent before the
response, metrics every few seconds in the same way. A slow collector is not called for a while, since answering
requests is more important than tracing them.
"""

import atexit
import time
import uuid

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from functions import __version__
from functions.settings.telemetry import ObservabilitySettings
from functions.telemetry.current_telemetry import Telemetry

EXPORT_TIMEOUT = 2.0
"""Longest delay of a response by an export, in seconds."""
SLOW_COLLECTOR_PAUSE = 30.0
"""How long a collector that took too long is not called, in seconds."""
METRICS_INTERVAL = 10.0
"""Shortest time between two exports of metrics, in seconds; the last values are sent when the process ends."""


class OtlpExport:
    """The export of one function to the collector in the settings."""

    def __init__(self, settings: ObservabilitySettings, function: str) -> None:
        self._function = function
        url = settings.otlp_endpoint.rstrip("/")
        headers = {name: secret.get_secret_value() for name, secret in settings.otlp_headers.items()}
        resource = _resource(function)
        spans = OTLPSpanExporter(endpoint=f"{url}/v1/traces", headers=headers, timeout=EXPORT_TIMEOUT)
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(BatchSpanProcessor(spans))
        points = OTLPMetricExporter(endpoint=f"{url}/v1/metrics", headers=headers, timeout=EXPORT_TIMEOUT)
        reader = PeriodicExportingMetricReader(points, float("inf"), EXPORT_TIMEOUT * 1000)
        self._meters = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._metrics_due = self._paused_until = 0.0
        atexit.register(self.close)

    def telemetry(self) -> Telemetry:
        """Return the telemetry that exports."""
        tracer = self._tracers.get_tracer("orchestrator", __version__)
        return Telemetry(self._function, tracer, self._meters.get_meter("orchestrator", __version__), self.flush)

    def flush(self) -> None:
        """Send the spans, and the metrics if they are due."""
        now = time.monotonic()
        if now < self._paused_until:
            return
        self._tracers.force_flush(int(EXPORT_TIMEOUT * 1000))
        if now >= self._metrics_due:
            self._metrics_due = now + METRICS_INTERVAL
            self._meters.force_flush(EXPORT_TIMEOUT * 1000)
        if time.monotonic() - now >= EXPORT_TIMEOUT / 2:
            self._paused_until = time.monotonic() + SLOW_COLLECTOR_PAUSE

    def close(self) -> None:
        """Send what is left; also called at the end of the process."""
        atexit.unregister(self.close)
        self._meters.force_flush(EXPORT_TIMEOUT * 1000)
        self._tracers.shutdown()
        self._meters.shutdown()


def _resource(function: str) -> Resource:
    return Resource.create(
        {
            "service.name": f"orchestrator-{function.replace('_', '-')}",
            "service.version": __version__,
            "service.instance.id": str(uuid.uuid4()),
        }
    )
