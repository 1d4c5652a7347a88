"""The status code of each function decides what the queue does with a message, wrapped or unwrapped.

outcome                                        answer      the queue
done; nothing to do; not for this function     2xx         deletes the message
the message is defective                       204 + log   deletes the message: a redelivery cannot help
the cluster or the queue cannot be reached     503         redelivers it, and finally keeps it as a dead letter
an unexpected error of a function              503         the same
no token, or an unknown token                  401, 403    the same: people can correct it
No function answers 202, which Pub/Sub counts as a failure.
"""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.errors import Forbidden, Unavailable
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP
from functions.cluster.transport import Request as Call
from functions.events.event import REFERENCE, RESOURCE, requested
from functions.handlers import job_finished, reconcile, report, sweep
from functions.queues.publisher import PublishError
from functions.reconciler.reconciler import reconcile as drive
from functions.runs.model.naming import tombstone
from functions.serving.edge import LARGEST_BODY, serve
from functions.serving.http import Answer, Request, answer
from functions.settings.auth import AuthSettings
from functions.submission.submit import submit
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.run_steps import DONE, job_event, job_name, now, run_event, submitted

ACKNOWLEDGED = (200, 201, 204)
SUBSCRIPTION = "projects/shop-42/subscriptions/any"


def unwrapped(data: bytes, attributes: Mapping[str, str]) -> Request:
    metadata = {"x-goog-pubsub-subscription-name": SUBSCRIPTION, "x-goog-pubsub-message-id": "17"}
    return Request({**{name.lower(): text for name, text in attributes.items()}, **metadata}, data)


def wrapped(data: bytes, attributes: Mapping[str, str]) -> Request:
    message = {"data": base64.b64encode(data).decode(), "attributes": attributes, "messageId": "17"}
    body = {"message": message, "subscription": SUBSCRIPTION}
    return Request({"content-type": "application/json"}, json.dumps(body).encode())


Form = Callable[[bytes, Mapping[str, str]], Request]
FORMS = pytest.mark.parametrize("form", [unwrapped, wrapped])

FUNCTIONS: dict[str, Callable[[Harness, Request], Answer]] = {
    "submit_docs": lambda world, asked: submit(world.services, "DocsRun", asked),
    "submit_code": lambda world, asked: submit(world.services, "CodeRun", asked),
    "reconcile": lambda world, asked: reconcile.handle(world.services, asked),
    "job_finished": lambda world, asked: job_finished.handle(world.services, asked),
    "report": lambda world, asked: report.handle(world.services, asked),
    "sweep": lambda world, asked: sweep.handle(world.services, asked),
}
EACH = pytest.mark.parametrize("function", FUNCTIONS)


def deliver(world: Harness, function: str, request: Request) -> int:
    return answer(lambda asked: FUNCTIONS[function](world, asked), request).code


def attributes(kind: str) -> dict[str, str]:
    return {"ce-id": "1", "ce-source": "/tests", "ce-type": kind, "ce-specversion": "1.0"}


MINE = {
    "submit_docs": requested("docs"),
    "submit_code": requested("code"),
    "reconcile": RESOURCE + "update",
    "job_finished": RESOURCE + "update",
    "report": RESOURCE + "update",
}
GONE = {"kind": "CodeRun", "metadata": {"name": "gone", "namespace": "test-gone"}}
POISON: dict[str, tuple[bytes, Callable[[str], dict[str, str]]]] = {
    "not JSON": (b'{"taskId": ', attributes),
    "not text": (b"\xff\xfe", attributes),
    "nested too deeply": (b"[" * 100_000, attributes),
    "wrong schema": (b'{"taskId": "three", "surprise": 1}', attributes),
    "a list": (b"[]", attributes),
    "unknown type": (b"{}", lambda _: attributes("somebody.elses.v1")),
    "attributes only": (b"", attributes),
    "no CloudEvent and not JSON": (b"hello", lambda _: {}),
    "empty": (b"", lambda _: {}),
    "half a CloudEvent": (b"{}", lambda _: {"ce-type": "x"}),
    "another specversion": (b"{}", lambda kind: attributes(kind) | {"ce-specversion": "0.3"}),
}


@FORMS
@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("function", MINE)
def test_defective_message_is_acknowledged_and_logged_without_a_call(
    world: Harness,
    caplog: pytest.LogCaptureFixture,
    form: Form,
    poison: str,
    function: str,
) -> None:
    data, named = POISON[poison]
    with caplog.at_level(logging.INFO, "orchestrator"):
        assert deliver(world, function, form(data, named(MINE[function]))) == 204
    assert any("refused" in line or "ignored" in line for line in caplog.messages), caplog.messages
    assert world.calls.calls == []


@FORMS
@pytest.mark.parametrize("function", ["reconcile", "report"])
def test_event_of_a_deleted_run_is_acknowledged_and_logged(
    world: Harness,
    caplog: pytest.LogCaptureFixture,
    form: Form,
    function: str,
) -> None:
    world.services = replace(world.services, publisher=RefusingPublisher())
    with caplog.at_level(logging.INFO, "orchestrator"):
        assert deliver(world, function, form(json.dumps(GONE).encode(), attributes(RESOURCE + "update"))) == 204
    assert "the run was deleted" in caplog.messages
    assert world.calls.writes == []


class FailingTransport:
    """A transport that raises the given error on each call."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def send(self, call: Call) -> Any:
        raise self._error

    def stream(self, call: Call) -> Any:
        raise self._error


class RefusingPublisher:
    def publish(self, topic: str, event: Any) -> None:
        raise PublishError(f"topic {topic}: refused by the test")


def valid_message(world: Harness, function: str) -> tuple[bytes, dict[str, str]]:
    """Return data and attributes of a valid message that makes the function act."""
    if function == "sweep":
        return b"", attributes("platform.agents.sweep.due.v1")
    if function.startswith("submit"):
        spec = DOCS_SPEC if function == "submit_docs" else CODE_SPEC
        return json.dumps(dict(spec)).encode(), attributes(MINE[function])
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = world.job_ready(job_name(world, run))
    raw = job if function == "job_finished" else now(world, run).raw
    return json.dumps(run.raw if function == "reconcile" else raw).encode(), attributes(MINE[function])


@FORMS
@EACH
def test_valid_message_is_acknowledged(world: Harness, form: Form, function: str) -> None:
    assert deliver(world, function, form(*valid_message(world, function))) in ACKNOWLEDGED


@FORMS
@EACH
@pytest.mark.parametrize(
    "error",
    [Unavailable("no connection"), Forbidden("no right"), RuntimeError("a defect")],
    ids=lambda e: type(e).__name__,
)
def test_message_is_redelivered_after_an_error_of_cluster_or_function(
    world: Harness,
    form: Form,
    function: str,
    error: Exception,
) -> None:
    message = form(*valid_message(world, function))
    world.services = replace(world.services, cluster=Cluster(FailingTransport(error)), publisher=RefusingPublisher())
    assert deliver(world, function, message) == 503


@FORMS
def test_message_is_redelivered_when_the_queue_refuses_an_event(world: Harness, form: Form) -> None:
    message = form(*valid_message(world, "report"))
    world.services = replace(world.services, publisher=RefusingPublisher())
    assert deliver(world, "report", message) == 503


@FORMS
@pytest.mark.parametrize(("headers", "code"), [({}, 401), ({"authorization": "Bearer wrong"}, 403)])
def test_message_without_a_known_token_is_kept(world: Harness, form: Form, headers: dict[str, str], code: int) -> None:
    message = form(*valid_message(world, "submit_docs"))
    world.configure(auth=AuthSettings(mode="bearer", tokens={"ci": "s3cret"}))
    assert deliver(world, "submit_docs", replace(message, headers={**message.headers, **headers})) == code


@FORMS
@pytest.mark.parametrize("plain", [False, True], ids=["CloudEvent", "plain JSON"])
def test_repeated_message_creates_no_second_run_even_after_the_first_was_deleted(
    world: Harness,
    form: Form,
    plain: bool,
) -> None:
    message = form(json.dumps(dict(CODE_SPEC)).encode(), {} if plain else attributes(requested("code")))
    assert [deliver(world, "submit_code", message) for _ in range(3)] == [201, 200, 200]
    (raw,) = world.kubelet.list(CODE_RUN, world.namespace)
    name, uid = raw["metadata"]["name"], raw["metadata"]["uid"]
    run_event(world, raw, "add")
    (job,) = world.jobs()
    world.job_ready(job["metadata"]["name"])
    job_event(world, world.job_ends(job["metadata"]["name"], DONE))
    assert deliver(world, "submit_code", message) == 200, "after its end"
    world.kubelet.delete(CODE_RUN, world.namespace, name, uid)
    drive(world.services, "CodeRun", world.namespace, name)
    assert world.kubelet.get(CONFIG_MAP, world.namespace, tombstone("CodeRun", name))
    world.later(days=6, hours=23)
    assert deliver(world, "submit_code", message) == 200, "after its deletion"
    assert list(world.kubelet.list(CODE_RUN, world.namespace)) == []


@FORMS
def test_job_that_an_event_only_names_is_read(world: Harness, form: Form) -> None:
    run = submitted(world)
    run_event(world, run.raw, "add")
    job = world.job_ready(job_name(world, run))["metadata"]["name"]
    named = {"kind": "Job", "apiVersion": "batch/v1", "namespace": world.namespace, "name": job}
    assert deliver(world, "job_finished", form(json.dumps(named).encode(), attributes(REFERENCE + "update"))) == 204
    assert now(world, run).status.phase == "Running"
    gone = {**named, "name": "no-such-job"}
    for verb in ("update", "delete"):
        assert deliver(world, "job_finished", form(json.dumps(gone).encode(), attributes(REFERENCE + verb))) == 204


def test_a_message_longer_than_any_object_is_acknowledged() -> None:
    class Asked:
        method, path, content_length = "POST", "/", LARGEST_BODY + 1
        headers: Mapping[str, str] = {"X-Goog-Pubsub-Subscription-Name": SUBSCRIPTION}

    assert serve(lambda _: Answer(500), Asked())[1] == 204
    Asked.headers = {}
    assert serve(lambda _: Answer(500), Asked())[1] == 413
