"""One trace connects everything on one machine, from the HTTP request to the agent's environment.

place                              the request's trace id in
logs of each function              logging.googleapis.com/trace of every line about the run
the run, its Job                   annotation agents.platform/traceparent
the agent's process                TRACEPARENT, as logged by the agent itself
a configured collector             a span of each function, with its calls below
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from functions.cluster.kinds import JOB, RUNS
from functions.local.dev.repositories import Mirror, example
from functions.local.dev.stack import Options, Stack
from functions.runs.lifecycle import states
from functions.runs.model import trace
from functions.runs.model.run import Run, parse
from tests.support.fork_server import forked_functions
from tests.telemetry.collector import Collector, collecting
from tests.telemetry.parts import needed
from tests.telemetry.traces import ids

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
FUNCTIONS = {"submit_code", "reconcile", "job_finished", "report"}
"""The functions that handle every run."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    needed("opentelemetry.exporter.otlp.proto.http")
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    environ = {
        "PATH": os.environ["PATH"],
        "REHEARSAL_SECONDS": "0.2",
        "REHEARSAL_LOG": str(folder / "starts"),
        "ORCHESTRATOR_OBSERVABILITY__OTLP_ENDPOINT": collector.url,
        "ORCHESTRATOR_OBSERVABILITY__OTLP_HEADERS": json.dumps({"authorization": "Bearer token-of-the-collector"}),
        "ORCHESTRATOR_OBSERVABILITY__PROJECT": "shop-42",
    }
    (folder / "mirrors").mkdir()
    # On a busy machine a sweep could overtake an event, in a trace of its own.
    found = Stack(Options(folder / "state", sweep_seconds=600, environ=environ), [example(folder / "mirrors")])
    try:
        with forked_functions():
            found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def run(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run that has ended and whose end was published."""
    mirror = example(tmp_path_factory.mktemp("mirrors"))
    asked = urllib3.request(
        "POST",
        stack.functions["submit_code"],
        body=json.dumps(_spec(mirror)),
        headers={"Content-Type": "application/json", "traceparent": f"00-{ID}-{SPAN}-01"},
        timeout=30,
    )
    assert asked.status == 201, asked.data
    end = time.monotonic() + 90
    while True:
        found = parse(stack.cluster.get(RUNS["CodeRun"], "orchestrator", asked.json()["data"]["name"]))
        if states.state(found.status) in states.FINISHED and found.status.reported == "1/succeeded":
            return found
        assert time.monotonic() < end, f"{found.status.phase}: {found.status.message}"
        time.sleep(0.1)


def _spec(mirror: Mirror) -> dict[str, Any]:
    base = {"repositoryUrl": mirror.url, "platformRepositoryUrl": mirror.url, "service": "shop", "taskId": 1}
    return base | {"githubUser": "octocat", "model": "claude-x"}


def _lines(stack: Stack, function: str) -> list[dict[str, Any]]:
    text = (stack.state / "logs" / f"{function}.log").read_text()
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_line_about_the_run_names_the_trace(stack: Stack, run: Run, function: str) -> None:
    mine = [line for line in _lines(stack, function) if line.get("run") == run.key]
    assert mine
    assert {line["logging.googleapis.com/trace"] for line in mine} == {f"projects/shop-42/traces/{ID}"}
    assert {line["function"] for line in mine} == {function}
    assert {line["kind"] for line in mine} == {"CodeRun"}
    assert SPAN not in {line["logging.googleapis.com/spanId"] for line in mine}
    assert all(line["logging.googleapis.com/trace_sampled"] for line in mine)


def test_run_job_and_agent_have_the_trace(stack: Stack, run: Run, tmp_path: Path) -> None:
    kept = trace.from_object(run.raw)
    trace_id, span_id = ids(kept)
    assert trace_id == ID
    assert span_id in {line["logging.googleapis.com/spanId"] for line in _lines(stack, "submit_code")}
    job = stack.cluster.get(JOB, run.namespace, run.status.job_name or "")
    assert trace.from_object(job) == kept
    starts = (stack.state.parent / "starts").read_text().splitlines()
    assert [line.split()[-1] for line in starts if run.name in line] == [f"traceparent=00-{ID}-{span_id}-01"]


def _complete(spans: list[Any]) -> bool:
    """Return whether every function's span has arrived, with its calls, and every parent; spans arrive one by one."""
    ids = {span.span_id.hex() for span in spans}
    names = {span.name for span in spans}
    below = {span.parent_span_id.hex() for span in spans}
    return names >= FUNCTIONS | {"POST coderuns", "POST jobs", "publish lifecycle"} and below <= ids | {SPAN}


def test_a_collector_receives_a_span_of_each_function_and_call(stack: Stack, run: Run, collector: Collector) -> None:
    end = time.monotonic() + 60
    while not _complete(mine := [span for span in collector.spans if span.trace_id.hex() == ID]):
        assert time.monotonic() < end, [(span.name, span.parent_span_id.hex()) for span in mine]
        time.sleep(0.1)
    ids = {span.span_id.hex() for span in mine}
    (submit,) = [span for span in mine if span.name == "submit_code"]
    assert submit.parent_span_id.hex() == SPAN
    logged = {line["logging.googleapis.com/spanId"] for line in _lines(stack, "job_finished") if "run" in line}
    assert logged & ids
    assert {each.get("authorization") for each in collector.headers} == {"Bearer token-of-the-collector"}


def test_no_function_logs_the_collectors_token(stack: Stack, run: Run) -> None:
    for log in (stack.state / "logs").iterdir():
        assert "token-of-the-collector" not in log.read_text()


def test_a_stopped_function_exports_its_last_measurements(stack: Stack, run: Run, collector: Collector) -> None:
    stack.stop()
    counted = [point for metric, point in collector.points if metric.name == "orchestrator.run.transitions"]
    reasons = {each.value.string_value for point in counted for each in point.attributes if each.key == "reason"}
    assert {"Starting", "Running", "Completed"} <= reasons
