"""All metrics of the functions: the code that measures, the export and the dashboard share these definitions.

Names and units follow OpenTelemetry; Prometheus, and with it Google Cloud Monitoring, spells them differently
(OpenTelemetry: Prometheus and OpenMetrics Compatibility). Depth and age of queues and dead letters are metrics of
Pub/Sub, since only the queue knows them.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from opentelemetry.metrics import Counter, Histogram, Meter

from functions.telemetry import current_telemetry

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
AGES = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 86400.0)
CALLS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 50.0, 200.0, 1000.0)
"""Upper bounds of buckets; a reconcile makes about ten calls, a sweep as many as there are runs."""

_SUFFIX = {"s": "_seconds"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter or histogram; `labels` are all that a value may have, each with few distinct values."""

    name: str
    kind: Literal["counter", "histogram"]
    unit: str
    description: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()

    def add(self, value: float = 1, **labels: str) -> None:
        """Add to the counter, or record a value in the histogram. Never raises; a no-op without an exporter."""
        instrument = _instrument(current_telemetry.get().meter, self)
        if isinstance(instrument, Counter):
            instrument.add(value, labels)
        else:
            instrument.record(value, labels)

    @property
    def prometheus(self) -> str:
        """The name in Prometheus, which adds _bucket, _sum and _count for a histogram."""
        total = "_total" if self.kind == "counter" else ""
        return self.name.replace(".", "_") + _SUFFIX.get(self.unit, "") + total


@cache
def _instrument(meter: Meter, metric: Metric) -> Counter | Histogram:
    if metric.kind == "counter":
        return meter.create_counter(metric.name, metric.unit, metric.description)
    return meter.create_histogram(
        metric.name, metric.unit, metric.description, explicit_bucket_boundaries_advisory=metric.buckets
    )


TRANSITIONS = Metric(
    "orchestrator.run.transitions",
    "counter",
    "{transition}",
    "Changes of a run's phase or reason, by the new phase and reason.",
    ("kind", "phase", "reason"),
)
ATTEMPTS = Metric("orchestrator.run.attempts", "counter", "{attempt}", "Attempts that were started.", ("kind",))
COST = Metric("orchestrator.run.cost", "counter", "{USD}", "Cost of attempts, as agents report it.", ("kind",))
TOKENS = Metric("orchestrator.run.tokens", "counter", "{token}", "Tokens, as agents report them.", ("kind", "type"))
DURATION = Metric(
    "orchestrator.function.duration",
    "histogram",
    "s",
    "Duration of requests, by response status.",
    ("function", "code"),
    SECONDS,
)
API_CALLS = Metric(
    "orchestrator.function.api_calls",
    "histogram",
    "{call}",
    "Calls to the Kubernetes API per request.",
    ("function",),
    CALLS,
)
EVENT_AGE = Metric(
    "orchestrator.event.age", "histogram", "s", "Time between publishing and delivery of an event.", ("function",), AGES
)
REPAIRS = Metric(
    "orchestrator.sweep.repairs",
    "counter",
    "{repair}",
    "Actions of the sweep that an event should have caused.",
    ("action", "reason"),
)

METRICS = (TRANSITIONS, ATTEMPTS, COST, TOKENS, DURATION, API_CALLS, EVENT_AGE, REPAIRS)
