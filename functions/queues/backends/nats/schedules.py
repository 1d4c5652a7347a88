"""Publishes the events of schedules, such as the sweep's, once for all dispatchers.

The id of an event is the number of its interval since the epoch, and JetStream stores an id once. An event is left out
while the one before it is still being delivered, so that they do not pile up.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from nats.aio.client import Client
from nats.js.api import Header

from functions.events.event import Event
from functions.events.nats_binding import to_message
from functions.queues.backends.nats.connection import CALL_SECONDS, NatsError, explained
from functions.queues.backends.nats.names import Names
from functions.queues.queue_model import Schedule

log = logging.getLogger("orchestrator")

SOURCE = "/orchestrator/dispatch"
"""Source of the events of schedules."""


async def run(client: Client, names: Names, schedule: Schedule, clock: Callable[[], float] = time.time) -> None:
    """Publish at the start of every interval until cancelled; a failure is logged."""
    while True:
        number = int(clock() / schedule.every_seconds) + 1
        await asyncio.sleep(max(number * schedule.every_seconds - clock(), 0))
        try:
            await publish(client, names, schedule, number)
        except NatsError as error:
            log.warning("schedule %s: %s", schedule.name, error)


async def publish(client: Client, names: Names, schedule: Schedule, number: int) -> None:
    """Publish the event of interval `number`, unless the one before it is still being delivered; raise NatsError."""
    stream, subject = names.stream(schedule.topic), names.schedule(schedule.topic, schedule.event_type)
    event = Event(f"{schedule.event_type}/{number}", SOURCE, schedule.event_type, "", None)
    headers, payload = to_message(event)
    with explained(f"stream {stream}"):
        state = (await client.jetstream().stream_info(stream, subject)).state
        if not (state.subjects or {}).get(subject):
            headers[Header.MSG_ID] = event.id
            await client.jetstream().publish(subject, payload, CALL_SECONDS, stream, headers)
