"""Publishing to the embedded queue: both HTTP modes of CloudEvents, known topics, bounded size."""

import json

import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent, from_http

from tests.support.waiting import until

ATTRIBUTES = {"type": "tests.v1", "source": "/tests", "id": "one", "subject": "a subject, 100 % ünusual"}
BINARY = {"ce_id": "one", "ce_source": "/tests", "ce_type": "tests.v1", "ce_specversion": "1.0"}


@pytest.mark.parametrize("data", [{"a": [1, None]}, [], "text", 7, None], ids=repr)
def test_structured_events_arrive_in_binary_mode(broker, consumer, data):
    headers, body = to_structured(CloudEvent(ATTRIBUTES, data))
    status, answer = broker(consumer).request("POST", "/topics/jobs", body, **headers)
    assert (status, answer) == (200, {"messageId": "1"})
    until(lambda: consumer.pushes)
    push = consumer.pushes[0]
    assert from_http(push.headers, push.body).get_data() == data
    assert push.headers["ce-subject"] == "a%20subject,%20100%20%25%20%C3%BCnusual"


def test_binary_data_arrives_unchanged(broker, consumer):
    data = bytes(range(256))
    headers, body = to_structured(CloudEvent(ATTRIBUTES | {"datacontenttype": "image/png"}, data))
    broker(consumer).request("POST", "/topics/jobs", body, **headers)
    until(lambda: consumer.pushes)
    assert consumer.pushes[0].body == data
    assert consumer.pushes[0].headers["content-type"] == "image/png"


def test_extension_attributes_arrive(broker, consumer):
    headers, body = to_binary(CloudEvent(ATTRIBUTES | {"subject": "x", "name": "run-1"}, {}))
    assert broker(consumer).request("POST", "/topics/jobs", body, **headers)[0] == 200
    until(lambda: consumer.pushes)
    assert consumer.pushes[0].headers["ce-name"] == "run-1"


def test_unknown_topic_is_rejected_naming_known_topics(broker, consumer):
    status, answer = broker(consumer).request("POST", "/topics/jbos", b"", **BINARY)
    assert status == 404
    assert "jbos" in answer["message"]
    assert "jobs" in answer["message"].split("there are")[1]


@pytest.mark.parametrize(
    ("headers", "body", "fields"),
    [
        ({}, b"{}", {"id", "source", "type", "specversion"}),
        ({"ce_id": "1", "ce_specversion": "0.3"}, b"", {"source", "type", "specversion"}),
        (BINARY | {"ce_a_b": "x"}, b"", {"a-b"}),
        ({"content_type": "application/cloudevents+json"}, b"{", {"body"}),
        ({"content_type": "application/cloudevents+json"}, b"[]", {"body"}),
        ({"content_type": "application/cloudevents+json"}, b"[" * 100_000, {"body"}),
        ({"content_type": "application/cloudevents+json"}, b'{"data_base64": "?"}', {"data_base64"}),
        ({"content_type": "application/cloudevents+json"}, rb'{"id": "\ud800"}', {"id"}),
        ({"content_type": "application/cloudevents-batch+json"}, b"[]", {"content-type"}),
    ],
)
def test_malformed_event_is_rejected_with_every_problem(broker, consumer, headers, body, fields):
    status, answer = broker(consumer).request("POST", "/topics/jobs", body, **headers)
    assert status == 400
    assert {each["field"] for each in answer["errors"]} == fields
    assert "Traceback" not in json.dumps(answer)


def test_message_over_the_size_limit_is_rejected(broker, consumer):
    queue = broker(consumer)
    assert queue.request("POST", "/topics/jobs", b"x" * 10_000_001, **BINARY)[0] == 413
    assert queue.subscriptions()["to-0"]["waiting"] == 0


def test_topics_and_subscriptions_are_listed(broker, consumer):
    queue = broker(consumer)
    assert queue.request("GET", "/topics")[1] == {"topics": ["jobs", "jobs-dead"]}
    assert queue.subscriptions()["to-0"] == {
        "name": "to-0",
        "topic": "jobs",
        "pushEndpoint": consumer.url,
        "waiting": 0,
        "inFlight": 0,
        "acked": 0,
        "dead": 0,
    }


def test_dead_letters_of_an_unknown_topic_are_not_found(broker, consumer):
    assert broker(consumer).request("GET", "/dead/nothing")[0] == 404
