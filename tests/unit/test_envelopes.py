"""Every published envelope format, as its sender writes it, is decoded to the one event it contains.

envelopes/*.http: headers, an empty line, the body, written after the senders' documentation.
"""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

import pytest

from functions.events.event import PLAIN_MESSAGE, MalformedError
from functions.events.object_ref import ObjectRef, object_ref
from functions.events.receive import receive

FOLDER = Path(__file__).parent / "envelopes"
REQUESTED = "platform.agents.docs.requested.v1"
SPEC = {
    "repositoryUrl": "https://git.example/shop.git",
    "sourceBranch": "main",
    "model": "claude-x",
    "githubUser": "octocat",
}
SUBSCRIPTION = "//pubsub.googleapis.com/projects/shop-42/subscriptions/docs-requested-submit-docs"
TOPIC = "//pubsub.googleapis.com/projects/shop-42/topics/docs-requested"
MESSAGE = "2070443601311540"
JSON = {"content-type": "application/json"}


def envelope(name: str) -> tuple[dict[str, str], bytes]:
    head, _, body = (FOLDER / f"{name}.http").read_text().partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines())
    return {field.lower(): value for field, value in headers.items()}, body.encode()


REQUESTS = [
    ("cloudevents-binary", REQUESTED, "A234-1234-1234", "/shop/tasks", False),
    ("cloudevents-structured", REQUESTED, "A234-1234-1234", "/shop/tasks", False),
    ("cloudevents-structured-base64", REQUESTED, "A234-1234-1234", "/shop/tasks", False),
    ("pubsub-wrapped-cloudevent", REQUESTED, "A234-1234-1234", "/shop/tasks", True),
    ("pubsub-wrapped-structured", REQUESTED, "A234-1234-1234", "/shop/tasks", True),
    ("pubsub-wrapped-plain", PLAIN_MESSAGE, MESSAGE, SUBSCRIPTION, True),
    ("pubsub-unwrapped-cloudevent", REQUESTED, "A234-1234-1234", "/shop/tasks", True),
    ("pubsub-unwrapped-plain", PLAIN_MESSAGE, MESSAGE, SUBSCRIPTION, True),
    ("eventarc-cloudevent", REQUESTED, "A234-1234-1234", "/shop/tasks", True),
    ("eventarc-plain", PLAIN_MESSAGE, MESSAGE, TOPIC, True),
    ("argo-webhook-cloudevent", REQUESTED, "A234-1234-1234", "/shop/tasks", True),
    ("argo-webhook-structured", REQUESTED, "A234-1234-1234", "/shop/tasks", True),
]


@pytest.mark.parametrize(("name", "kind", "identifier", "source", "queued"), REQUESTS, ids=[r[0] for r in REQUESTS])
def test_a_request_is_the_same_in_every_envelope(
    name: str, kind: str, identifier: str, source: str, queued: bool
) -> None:
    headers, body = envelope(name)
    event = receive(headers, body).event()
    assert (event.type, event.id, event.source, event.data) == (kind, identifier, source, SPEC)
    assert receive(headers, body).is_event
    assert receive(headers, body).from_queue is queued


WATCHED = [
    *((f"knative-resource-{verb}", verb, True) for verb in ("add", "update", "delete")),
    *((f"knative-ref-{verb}", verb, False) for verb in ("add", "update", "delete")),
    *((f"argo-{verb}", verb, True) for verb in ("add", "update", "delete")),
    ("pubsub-wrapped-argo", "update", True),
    ("argo-webhook-resource", "update", True),
]


@pytest.mark.parametrize(("name", "verb", "whole"), WATCHED, ids=[row[0] for row in WATCHED])
def test_a_watch_event_is_the_same_hint_from_every_source(name: str, verb: str, whole: bool) -> None:
    headers, body = envelope(name)
    event = receive(headers, body).event()
    found = object_ref(event)
    assert event.type.endswith(f".{verb}")
    assert found == ObjectRef(
        "CodeRun", "orchestrator", "inventory-t1-abc", verb == "delete", event.data if whole else None
    )
    assert event.data.get("metadata", event.data)["uid"] == "7f3a9c1e-1111-4222-8333-944455556666"
    assert receive(headers, body).from_queue


def test_every_envelope_file_has_a_test() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == {row[0] for row in (*REQUESTS, *WATCHED)}


def wrapped(**message: Any) -> bytes:
    return json.dumps({"message": {"messageId": "1", **message}, "subscription": "projects/p/subscriptions/s"}).encode()


ARGO = {"type": "ADD", "body": {"metadata": {}}, "group": "g", "version": "v1", "resource": "coderuns"}
EVENTARC = {"ce-id": "1", "ce-source": "s", "ce-specversion": "1.0", "ce-type": PLAIN_MESSAGE} | JSON
SUB = "x-goog-pubsub-subscription-name"


@pytest.mark.parametrize(
    ("headers", "body", "field"),
    [
        (JSON, wrapped(data="?"), "message.data"),
        (JSON, wrapped(data="bm90IEpTT04="), "message.data"),
        (JSON, wrapped(data=7), "message.data"),
        (JSON, wrapped(attributes=[]), "message.attributes"),
        (JSON, wrapped(attributes={"ce-type": 1}), "message.attributes"),
        (JSON, wrapped(attributes={"ce-type": "t"}), "id"),
        (JSON, wrapped(attributes={"content-type": "application/cloudevents+json"}, data="W10="), "body"),
        (JSON, wrapped(messageId=""), "messageId"),
        (EVENTARC, b"[]", "data"),
        (EVENTARC, b'{"message": 1}', "message"),
        ({SUB: "s", "x-goog-pubsub-message-id": "1"}, b"not JSON", "body"),
        ({SUB: "s"}, b"{}", "messageId"),
        (JSON, json.dumps({**ARGO, "type": "MOVED"}).encode(), "type"),
        (JSON, json.dumps({**ARGO, "body": "x"}).encode(), "body.metadata"),
    ],
)
def test_a_malformed_envelope_is_reported_by_field_and_redelivered(
    headers: dict[str, str], body: bytes, field: str
) -> None:
    with pytest.raises(MalformedError) as caught:
        receive(headers, body).event()
    assert field in [at for at, _ in caught.value.problems]
    assert receive(headers, body).from_queue


def test_a_message_of_attributes_only_has_no_data() -> None:
    assert receive(JSON, wrapped(attributes={"team": "shop"})).event().data is None


def test_a_plain_message_may_hold_the_field_of_an_envelope() -> None:
    headers = {SUB: "s", "x-goog-pubsub-message-id": "1"}
    assert receive(headers, b'{"message": "hello"}').event().data == {"message": "hello"}


def test_attributes_without_percent_encoding_are_unchanged() -> None:
    attributes = {"ce-id": "100%25", "ce-type": "t", "ce-source": "/Grüße", "ce-specversion": "1.0"}
    event = receive(JSON, wrapped(attributes=attributes)).event()
    assert (event.id, event.source) == ("100%25", "/Grüße")
    raw_header = "/Grüße".encode().decode("latin-1")  # WSGI passes UTF-8 in a header as Latin-1
    assert receive({**attributes, "ce-source": raw_header}, b"").event().source == "/Grüße"


@pytest.mark.parametrize("name", ["Grüße", "東京", "%E6%9D%B1%E4%BA%AC"])
def test_attribute_inside_an_argo_payload_is_the_text_that_was_sent(name: str) -> None:
    attributes = {"Ce-Id": [name], "Ce-Type": ["t"], "Ce-Source": ["/s"], "Ce-Specversion": ["1.0"]}
    body = json.dumps({"header": attributes, "body": SPEC}).encode()
    assert receive(JSON, body).event().id == unquote(name)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"repositoryUrl": "x"}', b'{"message": "m"}', b"\xff"])
def test_a_plain_body_is_neither_an_event_nor_from_a_queue(body: bytes) -> None:
    assert not receive(JSON, body).is_event
    assert not receive(JSON, body).from_queue


def test_a_plain_request_inside_an_argo_payload_is_read_as_that_request() -> None:
    payload = {"header": {"Content-Type": ["application/json"], "Idempotency-Key": ["k1", "k2"], "X": []}, "body": SPEC}
    received = receive(JSON, json.dumps(payload).encode())
    assert (received.document(), received.is_event, received.from_queue) == (SPEC, False, True)
    assert received.headers["idempotency-key"] == "k1"


@pytest.mark.parametrize("name", ["cloudevents-binary", "cloudevents-structured", "knative-resource-add", "argo-add"])
def test_a_request_is_decoded_once(name: str) -> None:
    with patch("json.loads", wraps=json.loads) as loads:
        received = receive(*envelope(name))
        assert received.event().data
        assert received.from_queue is not name.startswith("cloudevents")
    assert loads.call_count == 1
