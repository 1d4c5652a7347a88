"""Schedules keep one waiting event; concurrent writes share a commit; an invalid topology is refused."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from functions.local.database import connect
from functions.local.queue import DeadLetterPolicy, Queue, RetryPolicy, Schedule, Subscription, Topology, pusher
from functions.local.queue.group_commit import GroupCommit
from functions.local.queue.message import Message
from functions.local.queue.pusher import Pusher
from functions.local.queue.store import Store

EVENT = Message({"ce-id": "1", "ce-source": "/t", "ce-type": "t", "ce-specversion": "1.0"}, b"")


@dataclass
class Consumer:
    delay: float = 0.0
    types: list[str] = field(default_factory=list)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.types.append(request.headers["ce-type"])
        await asyncio.sleep(self.delay)
        return web.Response()


@asynccontextmanager
async def ticking(database: Path, consumer: Consumer):
    """Yield a queue with one schedule, every 0.05 s, pushing to the consumer in the same loop."""
    runner = web.ServerRunner(web.Server(consumer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    subscription = Subscription("to-sweep", "sweep", f"http://127.0.0.1:{port}/", retry=RetryPolicy(0.05, 0.1))
    queue = Queue(
        connect(database), Topology(("sweep", "quiet"), (subscription,), (Schedule("sweep", 0.05, "due.v1"),))
    )
    await queue.start()
    try:
        yield queue
    finally:
        await queue.stop()
        await runner.cleanup()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_schedule_publishes_repeatedly(tmp_path):
    async def scenario() -> None:
        consumer = Consumer()
        async with ticking(tmp_path / "state.db", consumer):
            while len(consumer.types) < 3:
                await asyncio.sleep(0.01)
        assert set(consumer.types) == {"due.v1"}

    run(scenario)


def test_schedule_has_one_waiting_event_with_a_slow_consumer_and_after_a_restart(tmp_path):
    async def scenario() -> None:
        consumer = Consumer(delay=30)
        for times in (1, 2):
            async with ticking(tmp_path / "state.db", consumer) as queue:
                await asyncio.sleep(0.4)
                assert queue.subscriptions()[0]["waiting"] == 1
                assert len(consumer.types) == times

    run(scenario)


def test_concurrent_publishes_share_a_commit(tmp_path):
    async def scenario() -> None:
        connection = connect(tmp_path / "state.db")
        queue = Queue(connection, Topology(("jobs",), (Subscription("s", "jobs", "http://127.0.0.1:1/"),)))
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        ids = await asyncio.gather(*(queue.publish("jobs", EVENT) for _ in range(50)))
        assert len(set(ids)) == 50
        assert statements.count("COMMIT") == 1
        assert queue.subscriptions()[0]["waiting"] == 50

    run(scenario)


def test_messages_without_a_subscription_are_not_stored(tmp_path):
    async def scenario() -> None:
        connection = connect(tmp_path / "state.db")
        assert await Queue(connection, Topology(("quiet",))).publish("quiet", EVENT) == "1"
        assert connection.execute("SELECT COUNT(*) FROM queue_messages").fetchone() == (0,)

    run(scenario)


def test_disk_error_reaches_every_publisher(tmp_path):
    async def scenario() -> None:
        connection = connect(tmp_path / "state.db")
        queue = Queue(connection, Topology(("jobs",), (Subscription("s", "jobs", "http://127.0.0.1:1/"),)))
        connection.execute("PRAGMA query_only = ON")
        answers = await asyncio.gather(*(queue.publish("jobs", EVENT) for _ in range(3)), return_exceptions=True)
        assert [type(answer).__name__ for answer in answers] == ["OperationalError"] * 3
        connection.execute("PRAGMA query_only = OFF")
        assert await queue.publish("jobs", EVENT)

    run(scenario)


def test_topology_error_names_every_invalid_reference():
    dead = Subscription("a", "nowhere", "http://x/", DeadLetterPolicy("gone"))
    with pytest.raises(ValueError, match="nowhere") as error:
        Topology(("jobs",), (dead, dead), (Schedule("never", 1, "t"),))
    for problem in ("two of this name", "gone", "never"):
        assert problem in str(error.value)


def test_dead_letter_topic_refuses_subscriptions():
    with pytest.raises(ValueError, match="nothing may subscribe"):
        Topology(
            ("jobs", "dead"),
            (
                Subscription("a", "jobs", "http://x/", DeadLetterPolicy("dead")),
                Subscription("b", "dead", "http://x/"),
            ),
        )


def test_message_that_becomes_due_while_the_queue_looks_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time lies between two readings of the clock: after the search for due messages, before that for the next."""

    async def scenario() -> None:
        connection, pushed = connect(tmp_path / "state.db"), asyncio.Event()

        async def push(*_: object) -> None:
            pushed.set()

        monkeypatch.setattr(pusher, "_push", push)
        readings = itertools.chain([0.0], itertools.repeat(1.0))
        store = Store(connection)
        store.publish("sweep", EVENT, ["to-sweep"], 0.5)
        subscription = Subscription("to-sweep", "sweep", "http://127.0.0.1:9/")
        delivery = Pusher(subscription, store, GroupCommit(connection), lambda: next(readings))
        async with ClientSession() as session:
            running = asyncio.create_task(delivery.run(session))
            try:
                await asyncio.wait_for(pushed.wait(), 5)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    run(scenario)
