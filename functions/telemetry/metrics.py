"""Every metric there is, once: what measures, what exports and what draws them read it from here.

Names and units are OpenTelemetry's; Prometheus, and with it Google Cloud Monitoring, shows them in its own spelling
(OpenTelemetry: Prometheus and OpenMetrics Compatibility). Depth and age of queues and dead letters are Pub/Sub's own
metrics, since only the queue knows them.
"""

from dataclasses import dataclass
from typing import Literal

from functions.telemetry import sink

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
AGES = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 86400.0)
CALLS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 50.0, 200.0, 1000.0)
"""Upper bounds of buckets; a reconcile makes some ten calls, a sweep as many as there are runs."""

_SUFFIX = {"s": "_seconds"}


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured; `labels` are all that a value may carry, each with few values."""

    name: str
    kind: Literal["counter", "histogram"]
    unit: str
    description: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()

    def add(self, value: float = 1, **labels: str) -> None:
        """Counts, or puts a value in its bucket. Costs nothing while nothing is exported."""
        sink.current().measured(self, value, labels)

    @property
    def prometheus(self) -> str:
        """Its name in Prometheus; a histogram has it with _bucket, _sum and _count behind it."""
        total = "_total" if self.kind == "counter" else ""
        return self.name.replace(".", "_") + _SUFFIX.get(self.unit, "") + total


TRANSITIONS = Metric(
    "orchestrator.run.transitions",
    "counter",
    "{transition}",
    "Changes of a run's phase or reason, by those it changed to.",
    ("kind", "phase", "reason"),
)
ATTEMPTS = Metric("orchestrator.run.attempts", "counter", "{attempt}", "Attempts that were begun.", ("kind",))
COST = Metric("orchestrator.run.cost", "counter", "{USD}", "What attempts cost, as agents report it.", ("kind",))
TOKENS = Metric("orchestrator.run.tokens", "counter", "{token}", "Tokens, as agents report them.", ("kind", "type"))
DURATION = Metric(
    "orchestrator.function.duration",
    "histogram",
    "s",
    "How long a function took to answer, by what it answered.",
    ("function", "code"),
    SECONDS,
)
API_CALLS = Metric(
    "orchestrator.function.api_calls",
    "histogram",
    "{call}",
    "Calls to the Kubernetes API for one answer.",
    ("function",),
    CALLS,
)
EVENT_AGE = Metric(
    "orchestrator.event.age", "histogram", "s", "How long a delivered event was on the queue.", ("function",), AGES
)
HEALED = Metric(
    "orchestrator.sweep.healed",
    "counter",
    "{action}",
    "What the sweep did that events should have caused.",
    ("action", "reason"),
)

METRICS = (TRANSITIONS, ATTEMPTS, COST, TOKENS, DURATION, API_CALLS, EVENT_AGE, HEALED)
