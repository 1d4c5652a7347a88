"""Guarantees of the embedded queue alone; test_queue_both has those of every queue."""

import threading
import time
from base64 import b64decode

import pytest
from cloudevents.http import from_http

from tests.support.waiting import until


def test_pushed_event_arrives_as_published(broker, consumer):
    queue = broker(consumer)
    queue.publish("one", body=b'{"a": [1, 2.50, "\xc3\xbc"]}')
    until(lambda: consumer.pushes)
    push = consumer.pushes[0]
    event = from_http(push.headers, push.body)
    assert (event["id"], event["source"], event["type"]) == ("one", "/tests", "tests.v1")
    assert push.body == b'{"a": [1, 2.50, "\xc3\xbc"]}'
    assert push.headers["content-type"] == "application/json"
    assert push.headers["x-goog-pubsub-subscription-name"] == "to-0"


@pytest.mark.parametrize("answer", [301, 503])
def test_redelivered_message_has_its_attempt(broker, consumer, answer):
    consumer.answer = lambda _: answer if len(consumer.pushes) < 3 else 200
    queue = broker(consumer)
    queue.publish("one")
    until(lambda: queue.subscriptions()["to-0"]["acked"] == 1)
    assert consumer.ids() == ["one"] * 3
    assert [push.headers["x-goog-pubsub-delivery-attempt"] for push in consumer.pushes] == ["1", "2", "3"]


def test_message_is_redelivered_when_the_answer_comes_after_the_ack_deadline(broker, consumer):
    def slow_at_first(_):
        time.sleep(1.0 if len(consumer.pushes) == 1 else 0)
        return 200

    consumer.answer = slow_at_first
    queue = broker(consumer, ack_deadline=0.3)
    queue.publish("one")
    until(lambda: queue.subscriptions()["to-0"]["acked"] == 1)
    assert consumer.ids() == ["one", "one"]


def test_retry_after_delays_the_redelivery(broker, consumer):
    consumer.answer, consumer.retry_after = 429, "1"
    queue = broker(consumer)
    queue.publish("one")
    until(lambda: len(consumer.pushes) == 2)
    assert consumer.pushes[1].at - consumer.pushes[0].at >= 1


def test_message_becomes_a_dead_letter_with_its_reason_after_the_last_attempt(broker, consumer):
    consumer.answer = 503
    queue = broker(consumer, attempts=5)
    queue.publish("poison", body=b"not JSON")
    until(queue.letters)
    (letter,) = queue.letters()
    assert len(consumer.pushes) == letter["attempts"] == 5
    assert letter["reason"].startswith("answered 503")
    assert letter["event"]["id"] == "poison"
    assert letter["event"]["data_base64"] == "bm90IEpTT04="
    assert queue.subscriptions()["to-0"]["dead"] == 1


@pytest.mark.parametrize("body", [rb'"\ud800"', b"NaN", b"1e999"])
def test_dead_letter_with_data_that_json_cannot_hold_is_listed(broker, consumer, body):
    consumer.answer = 500
    queue = broker(consumer, attempts=1)
    queue.publish("poison", body=body)
    until(queue.letters)
    (letter,) = queue.letters()
    assert b64decode(letter["event"]["data_base64"]) == body


def test_refused_and_slow_messages_do_not_block_others(broker, consumer):
    held = threading.Event()

    def answer(push):
        if push.id == "slow":
            held.wait(20)
        return 500 if push.id.startswith("poison") else 200

    consumer.answer = answer
    queue = broker(consumer, attempts=100, ack_deadline=20)
    for event in ["slow", *(f"poison-{n}" for n in range(20)), *(f"good-{n}" for n in range(20))]:
        queue.publish(event)
    until(lambda: queue.subscriptions()["to-0"]["acked"] == 20)
    held.set()
    assert {event for event in consumer.ids() if event.startswith("good")} == {f"good-{n}" for n in range(20)}
    until(lambda: queue.subscriptions()["to-0"]["acked"] == 21)


def test_concurrency_of_a_subscription_is_limited(broker, consumer):
    running, most = set(), []

    def answer(push):
        running.add(push.id)
        most.append(len(running))
        time.sleep(0.05)
        running.discard(push.id)
        return 200

    consumer.answer = answer
    queue = broker(consumer, concurrency=3)
    for n in range(20):
        queue.publish(str(n))
    until(lambda: queue.subscriptions()["to-0"]["acked"] == 20)
    assert max(most) == 3


def test_every_subscription_gets_every_event(broker, consumer):
    queue = broker(consumer, consumer)
    queue.publish("one")
    until(lambda: len(consumer.pushes) == 2)
    assert {push.headers["x-goog-pubsub-subscription-name"] for push in consumer.pushes} == {"to-0", "to-1"}


def test_consumer_with_a_closed_port_costs_no_attempt(broker, consumer):
    with consumer.serving():
        url = consumer.url
    queue = broker(consumer, attempts=2)  # the consumer's port is closed
    queue.publish("one")
    time.sleep(1.2)
    assert queue.letters() == []
    with consumer.serving(port=int(url.rstrip("/").rpartition(":")[2])):
        until(lambda: queue.subscriptions()["to-0"]["acked"] == 1)
    assert consumer.pushes[0].headers["x-goog-pubsub-delivery-attempt"] == "1"


def test_dead_letter_is_replayed_only_to_the_subscription_that_refused_it(broker, consumer):
    consumer.answer = lambda push: 500 if push.headers["x-goog-pubsub-subscription-name"] == "to-1" else 200
    queue = broker(consumer, consumer, attempts=2)
    queue.publish("one")
    until(queue.letters)
    consumer.answer = 200
    consumer.pushes.clear()
    status, _ = queue.request("POST", f"/dead/jobs-dead/{queue.letters()[0]['id']}/replay")
    assert status == 204
    until(lambda: queue.subscriptions()["to-1"]["acked"] == 1)
    assert [push.headers["x-goog-pubsub-subscription-name"] for push in consumer.pushes] == ["to-1"]
    assert queue.letters() == []
