"""Guarantees of the embedded queue, Google's Pub/Sub emulator and NATS, through the product's own code.

guarantee                                      exceptions of the emulator and of NATS
an event arrives as published, wrapped or not  emulator: no delivery attempt in its metadata
an acknowledged message is not redelivered
a refused one (202, 4xx, 5xx) is redelivered
pauses grow up to the maximum                  emulator: about a second; with a retry policy it loses some of the
                                               messages that are refused at once, so it gets none
a dead letter after 5 attempts                 emulator: sometimes 6; it does not report their number
published twice is delivered twice             NATS: once, within two minutes
a slow consumer does not delay others
an answer after the ack deadline is ignored    emulator: deadlines of 10 s or more (only at SCALE=1)
a consumer that returns gets missed messages   emulator: its absence costs attempts
dead letters are listed, replayed, dropped
"""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from functions.events.event import RESOURCE, Event
from functions.events.receive import receive
from functions.local.database import connect
from functions.local.queue import Queue
from functions.queues.backends.embedded.dead_letters import EmbeddedDeadLetters
from functions.queues.backends.embedded.publisher import EmbeddedPublisher
from functions.queues.backends.nats.dead_letters import NatsDeadLetters
from functions.queues.backends.nats.publisher import NatsPublisher
from functions.queues.backends.pubsub.dead_letters import PubsubDeadLetters
from functions.queues.backends.pubsub.project import Project
from functions.queues.backends.pubsub.publisher import PubsubPublisher
from functions.queues.backends.pubsub.setup import TopologyApplier
from functions.queues.dead_letters import DeadLetterQueue
from functions.queues.publisher import Publisher
from functions.queues.queue_model import DeadLetterPolicy, RetryPolicy, Subscription, Topology
from functions.settings.nats import NatsSettings
from tests.conftest import SCALE
from tests.contract.queue.conftest import Consumer, Push, serve
from tests.support.dispatching import dispatching
from tests.support.waiting import until

_numbers = itertools.count(1)


@dataclass(frozen=True)
class TestedQueue:
    """One of the queues under test."""

    name: str
    publisher: Publisher
    letters: DeadLetterQueue

    def publish(self, name: str, data: Any = None) -> None:
        self.publisher.publish("jobs", Event(name, "/tests", "tests.v1", "shop/run-1", data))


Make = Callable[..., TestedQueue]


@pytest.fixture(params=["embedded", "emulator", "nats"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Return a factory for queues with the topic `jobs` that push to a consumer: 5 attempts, the shortest pauses."""
    with ExitStack() as stack:
        emulator = request.getfixturevalue("pubsub") if request.param == "emulator" else ""
        server = request.getfixturevalue("nats_server") if request.param == "nats" else ""

        def made(consumer: Consumer, **options: Any) -> TestedQueue:
            given = {"retry": RetryPolicy(0.1, 0.4), "ack_deadline": 10.0, **options}
            subscription = Subscription("jobs-push", "jobs", consumer.url, DeadLetterPolicy("jobs-dead", 5), **given)
            topology = Topology(("jobs", "jobs-dead"), (subscription,))
            if emulator:
                project = Project(f"tests-{next(_numbers)}", "pre-", emulator)
                list(TopologyApplier(project).apply(topology))
                return TestedQueue("emulator", PubsubPublisher(project), PubsubDeadLetters(project))
            if server:
                settings, prefix = NatsSettings(servers=[server]), f"tests-{next(_numbers)}-"
                stack.enter_context(dispatching(settings, prefix, topology))
                return TestedQueue("nats", NatsPublisher(settings, prefix), NatsDeadLetters(settings, prefix))
            served = stack.enter_context(serve(Queue(connect(tmp_path / "state.db"), topology)))
            return TestedQueue("embedded", EmbeddedPublisher(served.url), EmbeddedDeadLetters(served.url))

        yield made


def ids(consumer: Consumer) -> list[str]:
    return [receive(push.headers, push.body).event().id for push in consumer.pushes]


@pytest.mark.parametrize("wrapped", [False, True], ids=["no_wrapper", "wrapped"])
def test_event_arrives_as_published(make: Make, consumer: Consumer, wrapped: bool) -> None:
    queue = make(consumer, wrapped=wrapped)
    event = Event("a b/1", "/tests", "tests.v1", "shop/run-1", {"a": [1, 2.5, "ü"]})
    queue.publisher.publish("jobs", event)
    queue.publisher.publish("jobs", Event("none", "/tests", "tests.v1", "", None))
    until(lambda: len(consumer.pushes) == 2)
    found = {each.id: each for each in (receive(push.headers, push.body).event() for push in consumer.pushes)}
    assert found["a b/1"] == Event(event.id, event.source, event.type, event.subject, event.data)
    assert found["none"].data is None
    assert all(("ce-id" in push.headers) is not wrapped for push in consumer.pushes)


def test_only_refused_messages_are_redelivered(make: Make, consumer: Consumer) -> None:
    codes = [200, 201, 203, 204, 202, 400, 404, 429, 500, 503]

    def answer(push: Push) -> int:
        name = receive(push.headers, push.body).event().id
        return int(name) if ids(consumer).count(name) < 3 else 200

    consumer.answer = answer
    queue = make(consumer)
    for code in codes:
        queue.publish(str(code))
    until(lambda: all(ids(consumer).count(str(code)) == 3 for code in codes[4:]))
    assert [ids(consumer).count(str(code)) for code in codes] == [1] * 4 + [3] * 6


def test_refused_message_has_growing_pauses_and_becomes_a_dead_letter(make: Make, consumer: Consumer) -> None:
    consumer.answer = 503
    queue = make(consumer)
    queue.publish("poison")
    until(lambda: queue.letters.list("jobs"))
    pauses = [later.at - earlier.at for earlier, later in pairwise(consumer.pushes)]
    assert len(consumer.pushes) in ((5, 6) if queue.name == "emulator" else (5,))
    assert min(pauses) >= 0.1
    if queue.name != "emulator":
        assert all(pause >= least for pause, least in zip(pauses, [0.1, 0.2, 0.4, 0.4], strict=True))


def test_message_published_twice_is_delivered_twice(make: Make, consumer: Consumer) -> None:
    queue = make(consumer)
    for _ in range(2):
        queue.publish("same")
    queue.publish("other")
    times = 1 if queue.name == "nats" else 2
    until(lambda: sorted(ids(consumer)) == ["other", *["same"] * times])


def test_slow_delivery_does_not_delay_others(make: Make, consumer: Consumer) -> None:
    held = threading.Event()

    def answer(push: Push) -> int:
        if receive(push.headers, push.body).event().id == "slow":
            held.wait(30)
        return 200

    consumer.answer = answer
    queue = make(consumer, ack_deadline=60.0)
    queue.publish("slow")
    until(lambda: "slow" in ids(consumer))
    names = {f"n{number}" for number in range(20)}
    for name in names:
        queue.publish(name)
    until(lambda: names <= set(ids(consumer)))
    held.set()
    assert ids(consumer).count("slow") == 1


def test_message_is_redelivered_when_the_answer_comes_after_the_ack_deadline(make: Make, consumer: Consumer) -> None:
    deadline = 10.0
    if SCALE < 1:
        pytest.skip("waits for an ack deadline of 10 s; runs at SCALE=1")
    released = threading.Event()

    def answer(_: Push) -> int:
        if len(consumer.pushes) == 1:
            released.wait(60)
        return 200

    consumer.answer = answer
    queue = make(consumer, ack_deadline=deadline)
    queue.publish("one")
    until(lambda: len(consumer.pushes) == 2, seconds=60)
    released.set()
    assert consumer.pushes[1].at - consumer.pushes[0].at >= deadline - 1


def test_consumer_that_returns_gets_missed_messages(make: Make, consumer: Consumer) -> None:
    with Consumer().serving() as _:
        pass
    gone = Consumer()
    with gone.serving():
        port = int(gone.url.rstrip("/").rpartition(":")[2])
        queue = make(gone)
        queue.publish("before")
        until(lambda: ids(gone) == ["before"])
    queue.publish("missed")
    with gone.serving(port=port):
        until(lambda: "missed" in ids(gone))
        queue.publish("after")
        until(lambda: "after" in ids(gone))


def watch_event(name: str) -> Event:
    data = {
        "kind": "CodeRun",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"env": [{"name": "KEY", "value": "s3cret"}]},
    }
    return Event(f"uid/{name}", "/tests", RESOURCE + "update", "", data)


def test_dead_letters_are_listed_with_their_run_replayed_and_dropped(make: Make, consumer: Consumer) -> None:
    consumer.answer = 500
    queue = make(consumer)
    for name in ("one", "two", "three"):
        queue.publisher.publish("jobs", watch_event(name))
    until(lambda: len(queue.letters.list("jobs")) == 3)
    found = {str(each.run): each for each in queue.letters.list("jobs")}
    assert set(found) == {"CodeRun shop/one", "CodeRun shop/two", "CodeRun shop/three"}
    assert "s3cret" not in json.dumps([asdict(each) for each in found.values()], default=str)
    assert {each.event_type for each in found.values()} == {RESOURCE + "update"}
    consumer.answer = 200
    consumer.pushes.clear()
    one, two = found["CodeRun shop/one"].id, found["CodeRun shop/two"].id
    assert queue.letters.replay("jobs", [one, "99999999"]) == [one]
    until(lambda: ids(consumer) == ["uid/one"])
    assert queue.letters.drop("jobs", [two]) == [two]
    assert queue.letters.drop("jobs", [two]) == []
    assert [str(each.run) for each in queue.letters.list("jobs")] == ["CodeRun shop/three"]
    assert ids(consumer) == ["uid/one"], "a dropped dead letter is not delivered"
