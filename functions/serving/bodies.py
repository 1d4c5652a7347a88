"""Bodies of requests: read within a budget, or discarded without being kept.

functions-framework serves many requests in one process with little memory, and gunicorn reads up to 1 MiB ahead for
each body, so both are bounded for the process as a whole.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore, Lock
from typing import Any

BODIES_IN_FLIGHT = 64 * 1024 * 1024
"""Bytes of all bodies that a process holds at one time; the smallest instance has 256 MiB."""

CHUNK = 64 * 1024
"""Bytes read at one time. The server copies what it reads several times."""

LINGERING, LINGER_SECONDS = 4, 30.0
"""How many unread bodies are discarded at one time, and for how long."""


class ByteBudget:
    """A number of bytes that threads share."""

    def __init__(self, size: int) -> None:
        self._left, self._lock = size, Lock()

    @contextmanager
    def taken(self, size: int) -> Iterator[bool]:
        """Take `size` bytes for the block; yield False, and take none, if fewer are left."""
        with self._lock:
            enough = size <= self._left
            self._left -= size if enough else 0
        try:
            yield enough
        finally:
            with self._lock:
                self._left += size if enough else 0


IN_FLIGHT = ByteBudget(BODIES_IN_FLIGHT)
"""The budget of this process."""

_LINGERING = BoundedSemaphore(LINGERING)


def read(flask_request: Any, most: int) -> bytes:
    """Return the first `most` bytes of a body. Raises errors of the server for a body that it cannot read."""
    chunks: list[bytes] = []
    while most > 0 and (chunk := flask_request.stream.read(min(CHUNK, most))):
        chunks.append(chunk)
        most -= len(chunk)
    return b"".join(chunks)


def answer_then_discard(response: bytes, flask_request: Any) -> Iterator[bytes]:
    """Yield the response, then discard what the client still sends, for LINGER_SECONDS at most.

    A generator, because functions-framework reads the whole request into memory before any other response. The
    connection stays open meanwhile: to close it would reset it before a client that still sends reads the response.
    """
    yield response
    deadline = time.monotonic() + LINGER_SECONDS
    if _LINGERING.acquire(timeout=LINGER_SECONDS):
        try:
            _discard(flask_request, deadline)
        finally:
            _LINGERING.release()


def _discard(flask_request: Any, deadline: float) -> None:
    with suppress(Exception):  # the client has gone; it has its response, or does not want it
        while time.monotonic() < deadline and flask_request.stream.read(CHUNK):
            pass
