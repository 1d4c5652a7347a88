"""How many viewers are served live, and for how long.

A stream of server-sent events occupies a thread for as long as it lasts. So that pages are always answered, at most
half of the threads stream, 30 s at a time; the browser then connects again, and further viewers poll.
"""

import os
from threading import BoundedSemaphore

STREAM_SECONDS = 30.0
"""How long a stream lasts; a browser reconnects by itself."""


class StreamSlots:
    """The streams that may be open at one time, shared by all threads."""

    def __init__(self, most: int, seconds: float = STREAM_SECONDS) -> None:
        self._free = BoundedSemaphore(most)
        self.most, self.seconds = most, seconds

    def take(self) -> bool:
        """Return whether there was a free slot; it is taken then."""
        return self._free.acquire(blocking=False)

    def release(self) -> None:
        """Free a slot that was taken."""
        self._free.release()


def for_function() -> StreamSlots:
    """Return half of the threads that functions-framework serves a function with (its _http/gunicorn.py)."""
    threads = int(os.environ.get("THREADS") or (os.cpu_count() or 1) * 4)
    return StreamSlots(max(1, threads // 2))
