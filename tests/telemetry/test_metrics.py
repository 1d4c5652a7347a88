"""Metrics are counted at the step they describe, with their declared labels.

step                                          metric
a status is written                           transitions, by phase and reason; attempts; cost and tokens
a write fails, or changes nothing             none
the sweep makes up for a missed event         repairs, by action
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.metrics import NoOpCounter, NoOpMeter
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind

from functions.cluster.client import Cluster
from functions.runs.model.reasons import Reason
from functions.telemetry import current_telemetry
from functions.telemetry.current_telemetry import IdTracer, Telemetry
from functions.telemetry.instrumented import InstrumentedTransport
from functions.telemetry.metrics import METRICS
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer
from tests.support.run_steps import job_event, run_event, submitted, swept
from tests.telemetry.lives import life


class Instrument:
    """A counter or histogram that keeps its values."""

    def __init__(self, measured: "Measured", metric: str) -> None:
        self.measured, self.metric = measured, metric

    def record(self, value: float, labels: Mapping[str, str]) -> None:
        declared = next(each for each in METRICS if each.name == self.metric)
        assert set(labels) == set(declared.labels), self.metric
        self.measured.values.append((self.metric.removeprefix("orchestrator."), dict(labels), value))


class KeptCounter(Instrument, NoOpCounter):
    def __init__(self, measured: "Measured", name: str) -> None:
        Instrument.__init__(self, measured, name)

    def add(self, amount: float, attributes: Any = None, context: Any = None) -> None:
        self.record(amount, attributes)


class Measured(NoOpMeter):
    """A meter that keeps all values, in order."""

    def __init__(self) -> None:
        super().__init__("tested")
        self.values: list[tuple[str, dict[str, str], float]] = []

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Any:
        return KeptCounter(self, name)

    def create_histogram(self, name: str, unit: str = "", description: str = "", **_: Any) -> Any:
        return Instrument(self, name)

    def of(self, name: str) -> list[tuple[dict[str, str], float]]:
        return [(labels, value) for metric, labels, value in self.values if metric == name]

    def of_runs(self) -> list[tuple[str, dict[str, str], float]]:
        """Return all values except those of every request."""
        return [each for each in self.values if not each[0].startswith(("function.", "event."))]


class CallSpan(NonRecordingSpan):
    """A span of a call that keeps its attributes."""

    def __init__(self, context: SpanContext) -> None:
        super().__init__(context)
        self.attributes: dict[str, Any] = {}

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value


class Calls(IdTracer):
    """A tracer that keeps the spans of calls, by name."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, CallSpan]] = []

    def start_span(self, name: str, context: Any = None, *args: Any, **more: Any) -> Span:
        span = super().start_span(name, context)
        if more.get("kind") is not SpanKind.CLIENT:
            return span
        self.spans.append((name, call := CallSpan(span.get_span_context())))
        return call


@dataclass
class RecordedTelemetry:
    """The values and spans of this process."""

    meter: Measured
    tracer: Calls


@pytest.fixture
def telemetry() -> Iterator[RecordedTelemetry]:
    found = RecordedTelemetry(Measured(), Calls())
    before = current_telemetry.install(Telemetry("tested", found.tracer, found.meter))
    yield found
    current_telemetry.install(before)


@pytest.fixture
def measured(telemetry: RecordedTelemetry) -> Measured:
    return telemetry.meter


def test_metrics_count_each_step_of_a_run(world: Harness, measured: Measured) -> None:
    life(world)
    steps = [(labels["kind"], labels["phase"], labels["reason"]) for labels, _ in measured.of("run.transitions")]
    assert steps == [
        ("CodeRun", "Pending", "Starting"),
        ("CodeRun", "Running", "Running"),
        ("CodeRun", "Retrying", "Retrying"),
        ("CodeRun", "Pending", "Starting"),
        ("CodeRun", "Succeeded", "Completed"),
    ]
    assert {reason for _, _, reason in steps} <= {*Reason}
    assert measured.of("run.attempts") == [({"kind": "CodeRun"}, 1)] * 2
    assert measured.of("run.cost") == [({"kind": "CodeRun"}, 0.25)] * 2
    tokens = measured.of("run.tokens")
    assert [value for labels, value in tokens if labels["type"] == "input"] == [100] * 2
    assert [value for labels, value in tokens if labels["type"] == "output"] == [20] * 2
    assert {labels["action"]: value for labels, value in measured.of("sweep.repairs")} == {"Start": 1}


def test_redelivered_events_are_not_counted_again(world: Harness, measured: Measured) -> None:
    life(world)
    before = measured.of_runs()
    for job in world.jobs():
        job_event(world, job)
    swept(world)
    assert measured.of_runs() == before


def test_calls_are_counted_for_their_request(telemetry: RecordedTelemetry) -> None:
    world = Harness(InProcessServer(), "orchestrator")
    seen = InstrumentedTransport(world.calls)
    world.services = type(world.services)(world.services.settings, Cluster(seen), world.services.clock)
    made = submitted(world)
    run_event(world, made.raw, "add")
    made_calls = len(world.calls.calls)
    assert [labels for labels, _ in telemetry.meter.of("function.duration")] == [{"function": "tested", "code": "204"}]
    assert telemetry.meter.of("function.api_calls") == [({"function": "tested"}, made_calls)]
    names = [name for name, _ in telemetry.tracer.spans]
    assert len(names) == made_calls
    assert {"GET coderuns", "PUT coderuns/status", "POST jobs", "POST configmaps", "POST events"} <= set(names)
    assert not [name for name in names if made.name in name]
    run_event(world, {**made.raw, "metadata": {**made.raw["metadata"], "name": "gone"}})
    assert [call.attributes.get("error.type") for _, call in telemetry.tracer.spans[made_calls:]] == ["NotFound"]


def test_metric_names_follow_prometheus_and_are_unique() -> None:
    names = [metric.prometheus for metric in METRICS]
    assert "orchestrator_run_transitions_total" in names
    assert "orchestrator_function_duration_seconds" in names
    assert len(set(names)) == len(names)
    assert all(metric.buckets for metric in METRICS if metric.kind == "histogram")
