"""Export of telemetry: only to a configured collector, and never at the cost of a request.

collector                     expected
none                          neither the SDK nor an exporter is loaded
configured, not installed     the process does not start, and names the setting
answers                       a span per request with its parent, calls below it; metrics with their labels
refuses, or is unreachable    requests are answered as usual
trace not sampled             no span; metrics are exported
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN
from functions.local.dev.server import free_port
from functions.runs.model import trace
from functions.serving.http import ACKNOWLEDGED, Request, answer
from functions.settings.errors import SettingsError
from functions.settings.telemetry import ObservabilitySettings
from functions.telemetry import current_telemetry, exporter_setup
from functions.telemetry.instrumented import InstrumentedTransport
from functions.telemetry.metrics import METRICS
from tests.support.api import ROOT, Harness
from tests.support.builders import settings
from tests.support.run_steps import event, run_event, swept
from tests.telemetry.collector import SERVER, Collector, collecting
from tests.telemetry.lives import life
from tests.telemetry.parts import needed
from tests.telemetry.traces import FIRST, ONE, SECOND, SPAN, TWO, in_trace

TOKEN = "token-of-the-collector"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def exporting(url: str) -> Any:
    """Install an export to `url`; return it and the telemetry before it."""
    otlp = needed("functions.telemetry.otlp")
    given = ObservabilitySettings.model_validate({"otlp_endpoint": url, "otlp_headers": {"authorization": TOKEN}})
    found = otlp.OtlpExport(given, "reconcile")
    return found, current_telemetry.install(found.telemetry())


def sent(world: Harness, url: str, *deliveries: Any) -> None:
    """Make the deliveries with an export to `url`, and send all telemetry."""
    found, before = exporting(url)
    try:
        for each in deliveries:
            each()
    finally:
        current_telemetry.install(before)
        found.close()


def points(collector: Collector, name: str) -> list[tuple[dict[str, str], Any]]:
    return [
        ({each.key: each.value.string_value for each in point.attributes}, point)
        for metric, point in collector.points
        if metric.name == f"orchestrator.{name}"
    ]


def test_a_request_is_a_span_with_its_calls_as_children(collector: Collector) -> None:
    from tests.support.in_process_server import InProcessServer

    world = Harness(InProcessServer(), "orchestrator")
    world.services = replace(world.services, cluster=Cluster(InstrumentedTransport(world.calls)))
    made = in_trace(world, FIRST)
    sent(world, collector.url, lambda: run_event(world, made.raw, "add"))
    (root,) = [span for span in collector.spans if span.kind == SERVER]
    assert (root.name, root.trace_id.hex(), root.parent_span_id.hex()) == ("reconcile", ONE, SPAN)
    attributes = {each.key: each.value for each in root.attributes}
    assert attributes["agents.platform.run"].string_value == made.key
    assert attributes["http.response.status_code"].int_value == 204
    calls = [span for span in collector.spans if span.kind != SERVER]
    assert len(calls) == len(world.calls.calls)
    assert {(span.trace_id, span.parent_span_id) for span in calls} == {(root.trace_id, root.span_id)}
    assert all(root.start_time_unix_nano <= span.start_time_unix_nano for span in calls)
    assert {each["authorization"] for each in collector.headers} == {TOKEN}


def test_a_sweep_links_a_span_in_each_runs_own_trace(world: Harness, collector: Collector) -> None:
    in_trace(world, FIRST, "run-1")
    world.kubelet.patch(CODE_RUN, world.namespace, "run-1", {"spec": {"service": "other"}})
    in_trace(world, SECOND, "run-2")
    sent(world, collector.url, lambda: swept(world))
    (root,) = [span for span in collector.spans if span.kind == SERVER]
    assert root.trace_id.hex() not in (ONE, TWO)
    linked = [span for span in collector.spans if span.links]
    assert {span.trace_id.hex() for span in linked} == {ONE, TWO}
    assert {link.span_id for span in linked for link in span.links} == {root.span_id}
    assert all(root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano for span in linked)
    assert all(span.end_time_unix_nano <= root.end_time_unix_nano for span in linked)


def test_metrics_are_exported_with_labels_and_units(world: Harness, collector: Collector) -> None:
    sent(world, collector.url, lambda: life(world))
    reasons = {
        labels["reason"]: point.as_double or point.as_int for labels, point in points(collector, "run.transitions")
    }
    assert reasons["Completed"] == 1
    assert reasons["Starting"] == 2
    (last,) = [point for labels, point in points(collector, "run.cost")][-1:]
    assert last.as_double == 0.5
    codes = {(labels["function"], labels["code"]) for labels, _ in points(collector, "function.duration")}
    assert codes == {("reconcile", "204"), ("reconcile", "200")}
    declared = {metric.name: metric.unit for metric in METRICS}
    found = {metric.name: metric.unit for metric, _ in collector.points}
    assert found.items() <= declared.items()
    assert len(found) >= 6


PUBLISHED = {"none": ({}, 0), "not a time": ({"ce-time": "yesterday"}, 0), "no zone": ({"ce-time": "2026-01-01"}, 0)}


@pytest.mark.parametrize("way", [*PUBLISHED, "x-goog-pubsub-publish-time", "ce-time"])
def test_the_age_of_an_event_is_measured_if_it_has_a_time(world: Harness, collector: Collector, way: str) -> None:
    then = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    headers, count = PUBLISHED.get(way, ({way: then}, 1))
    sent(world, collector.url, lambda: answer(lambda _: ACKNOWLEDGED, Request(headers, b"")))
    ages = [point for _, point in points(collector, "event.age")]
    assert sum(point.count for point in ages[-1:]) == count
    assert all(point.sum >= 7200 for point in ages)


def test_an_unsampled_trace_is_measured_and_not_exported(world: Harness, collector: Collector) -> None:
    made = in_trace(world, FIRST[:-1] + "0")
    assert not (trace.from_object(made.raw) or pytest.fail("no trace")).trace_flags.sampled
    sent(world, collector.url, lambda: run_event(world, made.raw, "add"))
    assert collector.spans == []
    assert points(collector, "function.duration")


@pytest.mark.parametrize("status", [400, 500, None])
def test_a_failing_collector_changes_no_answer(world: Harness, status: int | None) -> None:
    made = in_trace(world, FIRST)
    answers: list[int] = []
    with collecting(status or 200) as found:
        url = found.url if status else f"http://127.0.0.1:{free_port()}"
        sent(world, url, *[lambda: answers.append(answer(_go_on(world), event(made.raw, "add")).code)] * 2)
    assert answers == [204, 204]


def _go_on(world: Harness) -> Any:
    from functools import partial

    from functions.handlers import reconcile

    return partial(reconcile.handle, world.services)


def python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    given = {
        "PATH": os.environ["PATH"],
        "ORCHESTRATOR_AGENT__IMAGE": "i",
        "ORCHESTRATOR_BROKER__IMAGE": "i",
        "FUNCTION_TARGET": "reconcile",
        **environ,
    }
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True, timeout=120, check=False
    )


ANSWERS = """
import json, sys
from functions import app
from functions.serving.http import Request, answer
from functions.handlers import reconcile
services = app.start().dependencies
assert answer(lambda request: reconcile.handle(services, request), Request({}, b"")).code == 400
packages = ("opentelemetry.sdk", "opentelemetry.exporter", "functions.telemetry.otlp")
print(json.dumps([name for name in sys.modules if name.startswith(packages)]))
"""


def test_without_a_collector_no_exporter_is_loaded() -> None:
    done = python(ANSWERS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_the_exporter_is_loaded_with_a_collector() -> None:
    needed("opentelemetry.exporter.otlp.proto.http")
    with collecting() as found:
        done = python(ANSWERS, ORCHESTRATOR_OBSERVABILITY__OTLP_ENDPOINT=found.url)
    assert done.returncode == 0, done.stderr
    assert "functions.telemetry.otlp" in json.loads(done.stdout)


def test_an_export_that_is_not_installed_is_refused_at_start() -> None:
    code = "import sys; sys.modules['opentelemetry.exporter'] = None\nfrom functions import app; app.start()"
    done = python(code, ORCHESTRATOR_OBSERVABILITY__OTLP_ENDPOINT="http://127.0.0.1:4318")
    line = json.loads(done.stderr.splitlines()[0])
    assert (done.returncode, line["severity"], line["function"]) == (1, "ERROR", "reconcile")
    assert "observability.otlp_endpoint" in line["message"]
    assert "orchestrator[telemetry]" in line["message"]
    assert python(code).returncode == 0


def test_an_invalid_endpoint_is_refused_and_a_token_is_not_shown() -> None:
    with pytest.raises(ValueError, match="otlp_endpoint"):
        settings(observability={"otlp_endpoint": "localhost"})
    kept = settings(observability={"otlp_endpoint": "http://c:4318", "otlp_headers": {"authorization": TOKEN}})
    assert TOKEN not in repr(kept)
    assert kept.telemetry.otlp_endpoint == "", "the agent's own export has another section"
    try:
        exporter_setup.check(settings())
    except SettingsError:
        pytest.fail("no exporter is needed without a collector")
