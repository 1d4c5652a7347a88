"""Envelopes in: what becomes an event, and how a malformed one is told."""

import json
import subprocess
import sys

import pytest

from functions.events.event import Event, Hint, MalformedError, hint
from functions.events.normalise import normalise
from functions.events.publisher import encoded
from tests.support.api import ROOT

ATTRIBUTES = {"id": "1", "source": "/s", "type": "t", "specversion": "1.0"}
BINARY = {f"ce-{name}": value for name, value in ATTRIBUTES.items()} | {"content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}


def test_binary_and_structured_mode_are_the_same_event() -> None:
    wanted = Event("1", "/s", "t", "", {"a": 1})
    assert normalise(BINARY, b'{"a": 1}') == wanted
    assert normalise(STRUCTURED, json.dumps({**ATTRIBUTES, "data": {"a": 1}}).encode()) == wanted


def test_attributes_in_headers_are_percent_encoded_and_come_out_as_they_went_in() -> None:
    event = Event("a b/100%", "/s", "t", 'Grüße "x"', None)
    sent = {name.lower(): value for name, value in encoded(event).items()}
    assert all(value.isascii() and " " not in value for value in sent.values())
    assert normalise(sent, b"") == event


@pytest.mark.parametrize(
    ("headers", "body", "field"),
    [
        ({}, b"", "type"),
        ({"content-type": "application/json"}, b"{}", "source"),
        ({**BINARY, "ce-specversion": "0.3"}, b"{}", "specversion"),
        (BINARY, b'{"a": ', "body"),
        (BINARY, b"\xff\xfe", "body"),
        (STRUCTURED, b"[]", "body"),
        (STRUCTURED, b'{"id": 1}', "id"),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", "content-type"),
        (BINARY, b"[" * 100_000, "body"),
    ],
)
def test_a_malformed_event_is_told_by_attribute(headers: dict[str, str], body: bytes, field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        normalise(headers, body)
    assert field in [at for at, _ in caught.value.problems]


def test_the_library_of_pubsub_is_not_loaded_before_the_first_event() -> None:
    """It takes 0.3 s, and most functions publish nothing."""
    code = (
        "import sys; from functions.events.publisher import connect\n"
        "from functions.settings.queues import QueueSettings\n"
        "import functions.handlers.services, functions.handlers.http\n"
        "connect(QueueSettings(project='proj-one'))\n"
        "assert not [name for name in sys.modules if name.startswith(('google.cloud.', 'google.api_core', 'grpc'))]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(MalformedError) as caught:
        normalise({"ce-id": "1"}, b"")
    assert [at for at, _ in caught.value.problems] == ["source", "type", "specversion"]


def test_a_watch_event_hints_at_its_object() -> None:
    data = {"kind": "CodeRun", "metadata": {"name": "x", "namespace": "n"}}
    event = Event("1", "/s", "dev.knative.apiserver.resource.update", "", data)
    assert hint(event) == Hint("CodeRun", "n", "x", False, data)
    reference = {"kind": "CodeRun", "name": "x", "namespace": "n"}
    assert hint(Event("1", "/s", "dev.knative.apiserver.ref.delete", "", reference)) == Hint(
        "CodeRun", "n", "x", True, None
    )
    assert hint(Event("1", "/s", "somebody.elses.event", "", None)) is None


@pytest.mark.parametrize("data", [None, [], "x", {}, {"kind": "CodeRun"}, {"kind": 1, "metadata": {"name": "x"}}])
def test_a_watch_event_without_its_object_is_malformed(data: object) -> None:
    with pytest.raises(MalformedError, match="data"):
        hint(Event("1", "/s", "dev.knative.apiserver.resource.add", "", data))
