"""Propagation of trace contexts into and out of the functions.

incoming                                     followed
header traceparent                           yes; Google's X-Cloud-Trace-Context if it is absent
extension traceparent of a CloudEvent        before the header: binary, structured, wrapped, unwrapped
attribute traceparent of a plain message     the same
annotation of the run, or of its Job         before both; also if the event only refers to the run, and in a sweep
none, or unreadable text                     a new trace, and never an error

outgoing: annotation of run and Job, TRACEPARENT in the pod, extension of every published event.
"""

import base64
import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN
from functions.events.event import Event, requested
from functions.events.http_binding import to_request
from functions.events.pubsub_binding import to_message
from functions.events.receive import receive
from functions.handlers import job_finished, reconcile, report
from functions.manifests import attempt
from functions.runs.model import trace
from functions.runs.model.run import Run, parse
from functions.serving.http import Request, answer
from functions.submission.submit import submit
from functions.telemetry import context
from functions.telemetry.instrumented import TracedPublisher
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, settings, with_attempt
from tests.support.builders import run as built
from tests.support.run_steps import event, job_event, job_name, now, run_event, submitted, swept
from tests.telemetry.logged import Logged
from tests.telemetry.traces import FIRST, ONE, SECOND, SPAN, TWO, Kept, ids, in_trace

JSON = {"content-type": "application/json"}
CLOUD = {"id": "1", "source": "/ci", "specversion": "1.0", "type": requested("code")}
PUSHED = {"x-goog-pubsub-subscription-name": "projects/p/subscriptions/s", "x-goog-pubsub-message-id": "7"}
ELSEWHERE = {"traceparent": SECOND, "ce-traceparent": SECOND}
GONE = {"name": "gone", "namespace": "orchestrator"}
BODY = json.dumps(CODE_SPEC).encode()


def wrapped(given: dict[str, str]) -> bytes:
    message = {"data": base64.b64encode(BODY).decode(), "attributes": given, "messageId": "7"}
    return json.dumps({"message": message, "subscription": "s"}).encode()


def prefixed(**more: str) -> dict[str, str]:
    return {f"ce-{name}": text for name, text in {**CLOUD, **more}.items()}


COMES_IN = {
    "header": Request({**JSON, "traceparent": FIRST}, BODY),
    "Google's header": Request({**JSON, "x-cloud-trace-context": f"{ONE}/{int(SPAN, 16)};o=1"}, BODY),
    "both headers": Request({**JSON, "traceparent": FIRST, "x-cloud-trace-context": f"{TWO}/1;o=1"}, BODY),
    "binary": Request({**JSON, **prefixed(traceparent=FIRST), "traceparent": SECOND}, BODY),
    "structured": Request(
        {"content-type": "application/cloudevents+json", "traceparent": SECOND},
        json.dumps({**CLOUD, "traceparent": FIRST, "data": CODE_SPEC}).encode(),
    ),
    "wrapped": Request({**JSON, "traceparent": SECOND}, wrapped(prefixed(traceparent=FIRST))),
    "without wrapping": Request({**JSON, **PUSHED, **prefixed(traceparent=FIRST), "traceparent": SECOND}, BODY),
    "wrapped plain message": Request({**JSON, "traceparent": SECOND}, wrapped({"traceparent": FIRST})),
    "plain message": Request({**JSON, **PUSHED, "traceparent": FIRST}, BODY),
}


def asked(world: Harness, request: Request) -> Run:
    found = answer(partial(submit, world.services, "CodeRun"), request)
    assert found.code == 201, found.body
    assert found.body
    return parse(world.kubelet.get(CODE_RUN, world.namespace, found.body["data"]["name"]))


@pytest.mark.parametrize("way", COMES_IN)
def test_the_trace_of_a_request_is_recorded_on_the_run_and_logged(world: Harness, logged: Logged, way: str) -> None:
    kept = trace.from_object(asked(world, COMES_IN[way]).raw)
    assert kept
    assert (ids(kept)[0], kept.trace_flags.sampled) == (ONE, True)
    assert ids(kept)[1] != SPAN, "the run was created in its own span"
    assert logged.traces() == {ONE}


MALFORMED = {
    "empty": "",
    "not one": "$(touch pwned)",
    "zeros as id": f"00-{'0' * 32}-{SPAN}-01",
    "zeros as span": f"00-{ONE}-{'0' * 16}-01",
    "version ff": f"ff-{ONE}-{SPAN}-01",
    "upper case": FIRST.upper(),
    "too short": FIRST[:-1],
    "more than version 00 has": f"{FIRST}-more",
    "two of them": f"{FIRST},{SECOND}",
    "no text": "\x00\ud800",
}


@pytest.mark.parametrize("way", ["traceparent", "x-cloud-trace-context", "ce-traceparent"])
@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_an_unreadable_trace_context_begins_a_new_trace(world: Harness, text: str, way: str) -> None:
    kept = trace.from_object(asked(world, Request({**JSON, **prefixed(), way: text}, BODY)).raw)
    assert ids(kept)[0] not in (ONE, TWO)


def test_a_later_version_of_traceparent_is_read_with_its_known_fields() -> None:
    later, unsampled = trace.parse(f"cc-{ONE}-{SPAN}-00-what-comes-later"), trace.parse(f"00-{ONE}-{SPAN}-00")
    assert later == unsampled
    assert later
    assert (ids(later), later.trace_flags.sampled) == ((ONE, SPAN), False)
    assert trace.traceparent(later) == f"00-{ONE}-{SPAN}-00"
    more = trace.parse(f"00-{ONE}-{SPAN}-03")
    assert more
    assert (ids(more), more.trace_flags.sampled) == ((ONE, SPAN), True)
    assert [trace.parse(each) for each in (None, 3, [FIRST])] == [None] * 3


@pytest.mark.parametrize("span", ["0", str(1 << 64), "-1", "x"])
def test_an_invalid_google_span_id_begins_a_new_trace(world: Harness, span: str) -> None:
    request = Request({**JSON, "x-cloud-trace-context": f"{ONE}/{span};o=1"}, BODY)
    assert ids(trace.from_object(asked(world, request).raw))[0] != ONE


@pytest.mark.parametrize("notes", [None, [], {"agents.platform/traceparent": 3}, {"agents.platform/traceparent": "x"}])
def test_an_unreadable_annotation_is_ignored(notes: Any) -> None:
    assert trace.from_object({"metadata": {"annotations": notes}}) is None
    assert trace.from_object({"metadata": None}) is None


def test_events_of_a_run_and_its_job_continue_its_trace(world: Harness, logged: Logged) -> None:
    made = in_trace(world, FIRST)
    run_event(world, made.raw, "add")
    job = world.job_ready(job_name(world, made))
    assert trace.from_object(job) == trace.parse(FIRST)
    job_event(world, job)
    assert {"Start", "WriteStatus", "Running"} <= {line["message"] for line in logged.lines("run-1")}
    assert logged.traces() == {ONE}
    assert {line["kind"] for line in logged.lines("run-1")} == {"CodeRun"}


def test_the_runs_trace_takes_precedence_over_request_and_event(world: Harness, logged: Logged) -> None:
    asking = event(in_trace(world, FIRST).raw, "add")
    answer(partial(reconcile.handle, world.services), replace(asking, headers={**asking.headers, **ELSEWHERE}))
    assert logged.traces() == {ONE}


def test_the_event_of_a_deleted_run_is_in_its_trace(world: Harness, logged: Logged) -> None:
    asking = event({"kind": "CodeRun", "metadata": {**GONE, "annotations": {trace.ANNOTATION: FIRST}}})
    answer(partial(reconcile.handle, world.services), replace(asking, headers={**asking.headers, **ELSEWHERE}))
    assert [line["message"] for line in logged.lines("gone")] == ["the run was deleted"]
    assert logged.traces() == {ONE}


def test_an_event_that_refers_to_a_run_continues_the_runs_trace(world: Harness, logged: Logged) -> None:
    made = in_trace(world, FIRST)
    headers = {**event(made.raw).headers, "ce-type": "dev.knative.apiserver.ref.update"}
    reference = {"kind": "CodeRun", "namespace": made.namespace, "name": made.name}
    answer(partial(reconcile.handle, world.services), Request(headers, json.dumps(reference).encode()))
    assert logged.traces() == {ONE}
    assert logged.lines("run-1")


def test_a_sweep_logs_each_run_in_its_own_trace(world: Harness, logged: Logged) -> None:
    in_trace(world, FIRST, "run-1")
    world.kubelet.patch(CODE_RUN, world.namespace, "run-1", {"spec": {"service": "other"}})
    in_trace(world, SECOND, "run-2")
    submitted(world, "DocsRun", "run-3")
    swept(world)
    moved = {name: {line["logging.googleapis.com/trace"] for line in logged.lines(name) if "kind" in line} for name in
             ("run-1", "run-2", "run-3")}  # fmt: skip
    assert (moved["run-1"], moved["run-2"]) == ({ONE}, {TWO})
    assert len(moved["run-3"]) == 1
    assert not moved["run-3"] & {ONE, TWO}


def test_lifecycle_events_have_the_trace_of_their_run(world: Harness) -> None:
    made, queue = in_trace(world, FIRST), Kept()
    world.services = replace(world.services, publisher=TracedPublisher(queue))
    run_event(world, made.raw, "add")
    answer(partial(report.handle, world.services), event(now(world, made).raw))
    (published,) = queue.events
    carried = ids(trace.parse(published.trace))
    assert carried[0] == ONE
    assert carried[1] != SPAN


SENT = Event("1", "/s", "t.v1", "a/b", {"k": 1}, trace=FIRST)


def test_a_published_event_arrives_with_its_trace() -> None:
    body = json.dumps(SENT.data).encode()
    assert receive(to_request(SENT)[0], body).event() == SENT
    assert receive({**to_message(SENT)[1], **PUSHED}, body).event() == SENT
    message = {"data": base64.b64encode(body).decode(), "attributes": to_message(SENT)[1], "messageId": "7"}
    assert receive(JSON, json.dumps({"message": message, "subscription": "s"}).encode()).event() == SENT
    without = replace(SENT, trace="")
    assert not [name for name in {**to_request(without)[0], **to_message(without)[1]} if "trace" in name]


def env(run: Run) -> list[Any]:
    job = attempt.job(with_attempt(run), settings())
    return [each for each in job["spec"]["template"]["spec"]["containers"][0]["env"] if each["name"] == "TRACEPARENT"]


def test_the_pods_trace_is_that_of_annotation_or_spec() -> None:
    noted = built("CodeRun", annotations={trace.ANNOTATION: FIRST})
    assert env(noted) == [{"name": "TRACEPARENT", "value": FIRST}]
    assert env(noted) == env(noted)
    own = built("CodeRun", {"env": [{"name": "TRACEPARENT", "value": "mine"}]}, annotations={trace.ANNOTATION: FIRST})
    assert env(own) == [{"name": "TRACEPARENT", "value": "mine"}]
    plain, bad = built("CodeRun"), built("CodeRun", annotations={trace.ANNOTATION: "$(id)"})
    assert (env(plain), env(bad)) == ([], [])
    started = with_attempt(plain)
    assert "annotations" not in attempt.job(started, settings())["metadata"]


def test_log_fields_of_a_request_end_with_it(world: Harness, logged: Logged) -> None:
    outside = context.fields(), context.span_context()
    run_event(world, in_trace(world, FIRST).raw, "add")
    assert (context.fields(), context.span_context()) == outside
    before = len(logged.lines())
    answer(partial(job_finished.handle, world.services), Request({**prefixed(), **JSON}, b"{}"))
    after = logged.lines()[before:]
    assert after
    assert not [line for line in after if "run" in line or line["logging.googleapis.com/trace"] == ONE]
