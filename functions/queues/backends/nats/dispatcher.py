"""The dispatcher as a whole: it sets the streams up, delivers every subscription, and publishes the schedules.

Several dispatchers share the work, without a leader: each message goes to one of them.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from nats.aio.client import Client

from functions.queues.backends.nats import schedules
from functions.queues.backends.nats.connection import NatsUnavailableError, connect
from functions.queues.backends.nats.delivery import Delivery
from functions.queues.backends.nats.names import Names
from functions.queues.backends.nats.pulling import PAUSE_SECONDS, Puller
from functions.queues.backends.nats.setup import TopologyApplier
from functions.queues.push import session
from functions.queues.queue_model import Topology
from functions.settings.nats import NatsSettings

log = logging.getLogger("orchestrator")

DEAD_SECONDS = 300.0
"""Seconds without NATS after which a dispatcher is restarted, and reads the files of its settings again."""

STOP_SECONDS = 20.0
"""Seconds that a stopping dispatcher waits for open pushes; those that are then aborted are delivered again."""


class Dispatcher:
    """Delivers the subscriptions of `topology` until it is stopped; `token` is the bearer token of pushes."""

    def __init__(self, settings: NatsSettings, prefix: str, topology: Topology, token: str = "") -> None:
        self._settings, self._names, self._topology = settings, Names(prefix), topology
        self._deliveries = [Delivery(subscription, self._names, token) for subscription in topology.subscriptions]
        self._client: Client | None = None
        self._loops: list[asyncio.Task[None]] = []

    async def run(self, stopping: asyncio.Event) -> None:
        """Connect, retrying without limit, and deliver until `stopping` is set and open deliveries are settled.

        Raises:
            NatsError: the settings name a file that cannot be read.
        """
        waiting = asyncio.create_task(stopping.wait())
        setting_up = asyncio.create_task(self._set_up())
        try:
            await asyncio.wait({setting_up, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if setting_up.done():
                await self._deliver_until(waiting, setting_up.result())
        finally:
            setting_up.cancel()
            waiting.cancel()
            if self._client:
                await self._client.close()

    @property
    def ready(self) -> bool:
        """Whether every subscription is being delivered."""
        connected = self._client is not None and self._client.is_connected
        return connected and bool(self._loops) and self.live and all(each.is_recent for each in self._deliveries)

    @property
    def live(self) -> bool:
        """Whether no loop has ended with an error, and NATS has answered in the last DEAD_SECONDS."""
        silent = all(each.silent_seconds > DEAD_SECONDS for each in self._deliveries)
        return not any(task.done() for task in self._loops) and not (self._deliveries and silent)

    def report(self) -> Mapping[str, Any]:
        """Return the state of each subscription, by name; counts are since the start."""
        return {each.subscription.name: each.report() for each in self._deliveries}

    async def _set_up(self) -> Client:
        while True:
            try:
                self._client = self._client or await connect(self._settings, "orchestrator-dispatch")
                await self._apply()
            except NatsUnavailableError as error:
                log.warning("%s", error)
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return self._client

    async def _apply(self) -> None:
        assert self._client
        async for line in TopologyApplier(self._client, self._names, self._settings.replicas).apply(self._topology):
            log.info("%s", line)

    async def _deliver_until(self, waiting: asyncio.Task[Any], client: Client) -> None:
        async with session() as http:
            pullers = [
                Puller(client, http, each, self._names.stream(each.subscription.topic), self._apply)
                for each in self._deliveries
            ]
            loops = [puller.run() for puller in pullers]
            loops += [schedules.run(client, self._names, schedule) for schedule in self._topology.schedules]
            self._loops = [asyncio.create_task(loop) for loop in loops]
            try:
                await waiting
            finally:
                await self._end(pullers)

    async def _end(self, pullers: list[Puller]) -> None:
        loops, self._loops = self._loops, []
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await asyncio.gather(*(puller.end(STOP_SECONDS) for puller in pullers))
        if self._client and self._client.is_connected:
            await self._client.flush()
