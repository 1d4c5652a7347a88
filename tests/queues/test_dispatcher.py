"""The dispatcher against a real NATS server, beyond the contract of all queues (tests/contract/queue)."""

import json
import threading
from contextlib import suppress

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from functions.events.receive import receive
from functions.queues.backends.nats import delivery, schedules
from functions.queues.backends.nats.publisher import NatsPublisher
from functions.queues.publisher import PublishError
from functions.queues.queue_model import Schedule, Subscription, Topology
from tests.contract.queue.conftest import Consumer
from tests.queues.nats_bench import Bench, event, jobs
from tests.support.dispatching import dispatching
from tests.support.waiting import until


@pytest.fixture
def bench(nats_server: str) -> Bench:
    return Bench.on(nats_server)


def attempts(consumer: Consumer) -> list[str]:
    return [push.headers["x-goog-pubsub-delivery-attempt"] for push in consumer.pushes]


def test_function_with_a_closed_port_costs_no_attempt(bench: Bench) -> None:
    gone = Consumer()
    with gone.serving():
        port = int(gone.url.rstrip("/").rpartition(":")[2])
    with dispatching(bench.settings, bench.prefix, jobs(gone.url, attempts=2)) as dispatcher:
        bench.publisher().publish("jobs", event("one"))
        until(lambda: dispatcher.report()["jobs-push"]["held"] >= 3)
        with gone.serving(port=port):
            until(lambda: gone.pushes)
        assert attempts(gone) == ["1"]
    assert bench.stored("jobs-dead") == []


def test_long_push_is_reported_as_in_progress(
    bench: Bench, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "KEEP_SECONDS", 0.05)
    answered, reports = threading.Event(), list[bytes]()
    consumer.answer = lambda _: 200 if answered.wait(60) else 500

    async def listen(client: Client) -> None:
        async def note(message: Msg) -> None:
            reports.append(message.data)

        await client.subscribe("$JS.ACK.>", cb=note)
        await client.flush()
        bench.publisher().publish("jobs", event("one"))
        while reports.count(b"+WPI") < 3:
            await client.flush()
        answered.set()
        while reports[-1] != b"":
            await client.flush()

    with dispatching(bench.settings, bench.prefix, jobs(consumer.url)):
        bench.use(listen)
    assert consumer.ids() == ["one"]


def test_stop_waits_for_the_present_push(bench: Bench, consumer: Consumer) -> None:
    arrived, answered = threading.Event(), threading.Event()

    def answer(_: object) -> int:
        arrived.set()
        return 200 if answered.wait(60) else 500

    consumer.answer = answer
    topology = jobs(consumer.url)
    with dispatching(bench.settings, bench.prefix, topology):
        bench.publisher().publish("jobs", event("one"))
        assert arrived.wait(60)
        threading.Timer(0.2, answered.set).start()
    assert bench.stored("jobs") == []
    with dispatching(bench.settings, bench.prefix, topology):
        bench.publisher().publish("jobs", event("two"))
        until(lambda: "two" in consumer.ids())
    assert consumer.ids() == ["one", "two"]


def test_message_held_at_a_stop_is_redelivered_at_once(bench: Bench, consumer: Consumer) -> None:
    away = jobs("http://127.0.0.1:1/")
    with dispatching(bench.settings, bench.prefix, away) as dispatcher:
        bench.publisher().publish("jobs", event("one"))
        until(lambda: dispatcher.report()["jobs-push"]["held"])
    with dispatching(bench.settings, bench.prefix, jobs(consumer.url)):
        until(lambda: consumer.ids() == ["one"])
    assert attempts(consumer) in (["1"], ["2"]), "no request of the stopped dispatcher got it"


def test_two_dispatchers_share_the_messages(bench: Bench, consumer: Consumer) -> None:
    topology = jobs(consumer.url)
    with (
        dispatching(bench.settings, bench.prefix, topology) as first,
        dispatching(bench.settings, bench.prefix, topology) as second,
    ):
        publisher, names = bench.publisher(), [f"n{number}" for number in range(50)]
        for name in names:
            publisher.publish("jobs", event(name))
        until(lambda: set(names) <= set(consumer.ids()))
        counts = [each.report()["jobs-push"]["acknowledged"] for each in (first, second)]
    assert sorted(consumer.ids()) == sorted(names)
    assert min(counts) > 0


def test_deleted_streams_are_created_again(bench: Bench, consumer: Consumer) -> None:
    async def delete(client: Client) -> None:
        await client.jetstream().delete_stream(bench.names.stream("jobs"))

    with dispatching(bench.settings, bench.prefix, jobs(consumer.url)):
        bench.use(delete)
        publisher = bench.publisher()
        until(lambda: is_stored(publisher))
        until(lambda: consumer.ids() == ["one"])


def is_stored(publisher: NatsPublisher) -> bool:
    with suppress(PublishError):
        publisher.publish("jobs", event("one"))
        return True
    return False


def test_token_is_sent_with_every_push(bench: Bench, consumer: Consumer) -> None:
    with dispatching(bench.settings, bench.prefix, jobs(consumer.url), token="t0ken"):
        bench.publisher().publish("jobs", event("one"))
        until(lambda: consumer.pushes)
    assert consumer.pushes[0].headers["authorization"] == "Bearer t0ken"


@pytest.mark.parametrize("headers", [None, {"Content-Type": "application/cloudevents+json"}], ids=["1.0.2", "1.0.3"])
def test_structured_message_of_another_publisher_is_delivered(
    bench: Bench, consumer: Consumer, headers: dict[str, str] | None
) -> None:
    document = {"specversion": "1.0", "id": "x", "source": "/o", "type": "t.v1", "data": {"a": 1}}

    async def publish(client: Client) -> None:
        await client.jetstream().publish(bench.names.subject("jobs"), json.dumps(document).encode(), headers=headers)

    with dispatching(bench.settings, bench.prefix, jobs(consumer.url)):
        bench.use(publish)
        until(lambda: consumer.pushes)
    push = consumer.pushes[0]
    received = receive(push.headers, push.body)
    assert (received.event().id, received.event().data, received.from_queue) == ("x", {"a": 1}, True)


def test_schedule_publishes_once_an_interval_unless_one_is_undelivered(bench: Bench, consumer: Consumer) -> None:
    schedule = Schedule("sweep", 60.0, "due.v1")
    topology = Topology(("sweep",), (Subscription("sweep-push", "sweep", consumer.url),), (schedule,))

    def publish(*numbers: int) -> None:
        async def work(client: Client) -> None:
            for number in numbers:
                await schedules.publish(client, bench.names, schedule, number)

        bench.use(work)

    bench.apply(topology)
    publish(1, 1, 2)
    assert [(each.headers or {})["ce-id"] for each in bench.stored("sweep")] == ["due.v1/1"]
    with dispatching(bench.settings, bench.prefix, Topology(("sweep",), topology.subscriptions)):
        until(lambda: not bench.stored("sweep"))
        publish(1)
        assert bench.stored("sweep") == []
        publish(3)
        until(lambda: len(consumer.pushes) == 2)
    assert [push.id for push in consumer.pushes] == ["due.v1/1", "due.v1/3"]


def test_two_dispatchers_publish_each_scheduled_event_once(bench: Bench, consumer: Consumer) -> None:
    subscription = Subscription("sweep-push", "sweep", consumer.url)
    topology = Topology(("sweep",), (subscription,), (Schedule("sweep", 0.1, "due.v1"),))
    with dispatching(bench.settings, bench.prefix, topology), dispatching(bench.settings, bench.prefix, topology):
        until(lambda: len(consumer.pushes) >= 3)
    assert len(set(consumer.ids())) == len(consumer.ids())
