"""A bench for tests of NATS: its own prefix on a server, a queue with one subscription, and the stored messages."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from functions.events.event import Event
from functions.queues.backends.nats.connection import connect
from functions.queues.backends.nats.names import Names
from functions.queues.backends.nats.publisher import NatsPublisher
from functions.queues.backends.nats.setup import apply_once
from functions.queues.queue_model import DeadLetterPolicy, RetryPolicy, Subscription, Topology
from functions.settings.nats import NatsSettings

Result = TypeVar("Result")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Bench:
    """One installation on a server."""

    settings: NatsSettings
    prefix: str

    @classmethod
    def on(cls, url: str, **settings: Any) -> "Bench":
        return cls(NatsSettings(servers=[url], **settings), f"bench-{next(_numbers)}-")

    @property
    def names(self) -> Names:
        return Names(self.prefix)

    def publisher(self, seconds: float = 10.0) -> NatsPublisher:
        return NatsPublisher(self.settings, self.prefix, seconds)

    def apply(self, topology: Topology, *, dry_run: bool = False) -> list[str]:
        return list(apply_once(self.settings, self.prefix, topology, dry_run=dry_run))

    def use(self, work: Callable[[Client], Awaitable[Result]]) -> Result:
        """Call `work` with a new connection and return its result."""

        async def connected() -> Result:
            client = await connect(self.settings, "tests")
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(connected())

    def stored(self, topic: str) -> list[RawStreamMsg]:
        """Return the messages in the stream of a topic."""

        async def look(client: Client) -> list[RawStreamMsg]:
            streams, stream, found = client.jetstream(), self.names.stream(topic), []
            state = (await streams.stream_info(stream)).state
            for number in range(max(state.first_seq, 1), state.last_seq + 1):
                try:
                    found.append(await streams.get_msg(stream, number))
                except NotFoundError:  # acknowledged
                    continue
            return found

        return self.use(look)


def jobs(endpoint: str, attempts: int = 5, **options: Any) -> Topology:
    """Return a queue with the topic `jobs`, pushed to one endpoint."""
    given: dict[str, Any] = {"retry": RetryPolicy(0.05, 0.2), **options}
    subscription = Subscription("jobs-push", "jobs", endpoint, DeadLetterPolicy("jobs-dead", attempts), **given)
    return Topology(("jobs", "jobs-dead"), (subscription,))


def event(name: str, data: Any = None) -> Event:
    return Event(name, "/tests", "tests.v1", "shop/run-1", data)
