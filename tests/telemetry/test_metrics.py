"""What is measured, where it happens: each metric by the step that it counts, with the labels it declares.

step                                          metric
a status is written                           transitions, by phase and reason; attempts; cost and tokens
a status could not be written, or says the same    nothing
the sweep does what an event should have      healed, by action
"""

from collections.abc import Iterator, Mapping

import pytest

from functions.cluster.client import Cluster
from functions.runs.model.reasons import Reason
from functions.telemetry import sink
from functions.telemetry.context import Scope
from functions.telemetry.instrumented import InstrumentedTransport
from functions.telemetry.invocation import Invocation
from functions.telemetry.metrics import METRICS, Metric
from tests.support.api import World
from tests.support.in_process_server import Direct
from tests.support.run_steps import job_event, run_event, submitted, swept
from tests.telemetry.lives import life


class Measured:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.values: list[tuple[str, dict[str, str], float]] = []
        self.work: list[Invocation] = []

    def measured(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        assert set(labels) <= set(metric.labels), metric.name
        self.values.append((metric.name.removeprefix("orchestrator."), dict(labels), value))

    def finished(self, work: Invocation, scope: Scope) -> None:
        self.work.append(work)

    def of(self, name: str) -> list[tuple[dict[str, str], float]]:
        return [(labels, value) for metric, labels, value in self.values if metric == name]


@pytest.fixture
def measured() -> Iterator[Measured]:
    found = Measured()
    before = sink.install(found)
    yield found
    sink.install(before)


def test_a_life_of_a_run_is_counted_step_by_step(world: World, measured: Measured) -> None:
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
    assert {labels["action"]: value for labels, value in measured.of("sweep.healed")} == {"Start": 1}


def test_what_comes_again_is_not_counted_again(world: World, measured: Measured) -> None:
    life(world)
    before = len(measured.values)
    for job in world.jobs():
        job_event(world, job)
    swept(world)
    assert measured.values[before:] == []


def test_calls_are_counted_for_the_request_they_are_made_for(measured: Measured) -> None:
    world = World(Direct(), "orchestrator")
    seen = InstrumentedTransport(world.calls)
    world.services = type(world.services)(world.services.settings, Cluster(seen), world.services.clock)
    made = submitted(world)
    run_event(world, made.raw, "add")
    (work,) = measured.work
    assert (work.code, work.api_calls, len(work.calls)) == (204, len(world.calls.calls), len(world.calls.calls))
    names = [call.name for call in work.calls]
    assert {"GET coderuns", "PUT coderuns/status", "POST jobs", "POST configmaps", "POST events"} <= set(names)
    assert not [name for name in names if made.name in name]
    run_event(world, {**made.raw, "metadata": {**made.raw["metadata"], "name": "gone"}})
    assert [call.error for call in measured.work[-1].calls] == ["NotFound"]


def test_names_are_those_of_prometheus_and_of_no_other() -> None:
    names = [metric.prometheus for metric in METRICS]
    assert "orchestrator_run_transitions_total" in names
    assert "orchestrator_function_duration_seconds" in names
    assert len(set(names)) == len(names)
    assert all(metric.buckets for metric in METRICS if metric.kind == "histogram")
