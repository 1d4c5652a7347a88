"""The dispatcher of NATS in a thread."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from functions.queues.backends.nats.dispatcher import Dispatcher
from functions.queues.queue_model import Topology
from functions.settings.nats import NatsSettings


@contextmanager
def dispatching(settings: NatsSettings, prefix: str, topology: Topology, token: str = "") -> Iterator[Dispatcher]:
    """Run the dispatcher until the block ends; the block starts once its subscriptions exist."""
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()
    dispatcher = Dispatcher(settings, prefix, topology, token)
    thread = threading.Thread(target=lambda: loop.run_until_complete(dispatcher.run(stopping)))
    thread.start()
    try:
        end = time.monotonic() + 60
        while not dispatcher.ready:
            assert thread.is_alive(), "the dispatcher ended"
            assert time.monotonic() < end, f"the dispatcher is not ready: {dispatcher.report()}"
            time.sleep(0.01)
        yield dispatcher
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(60)
        assert not thread.is_alive(), "the dispatcher did not stop"
        loop.close()
