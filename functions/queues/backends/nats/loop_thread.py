"""An event loop in a thread, for callers that are not asynchronous; the client of NATS is."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """One event loop, which runs from its first use; a server that forks before that has one in each process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._started: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
        """Return the result of `work`; raise what it raises, or TimeoutError after `seconds`, when it is cancelled."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop())
        try:
            return future.result(seconds)
        except FutureTimeoutError:
            future.cancel()
            raise

    def _loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._started is None:
                self._started = asyncio.new_event_loop()
                threading.Thread(target=self._started.run_forever, name=self._name, daemon=True).start()
            return self._started
