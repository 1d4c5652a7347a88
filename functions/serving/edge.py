"""The HTTP edge of every function: a request of functions-framework becomes a `Request`, an `Answer` its response.

What the method and the headers already decide is answered before the body is read. Bodies are bounded in size, each
and together, because functions-framework serves many requests in one process with little memory.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import BoundedSemaphore, Lock
from typing import Any

from functions import __version__
from functions.serving.http import RETRY_AFTER, Answer, Handler, Refused, Request, answer, failure

log = logging.getLogger("orchestrator")

LARGEST_BODY = 3 * 1024 * 1024
"""Bytes; the API server accepts no larger request (apiserver, MaxRequestBodyBytes)."""

BODIES_IN_FLIGHT = 64 * 1024 * 1024
"""Bytes of all bodies that a process holds at one time; the smallest instance has 256 MiB."""

CHUNK = 64 * 1024
"""Bytes read at one time. The server copies what it reads several times."""

LINGERING, LINGER_SECONDS = 4, 30.0
"""Requests whose unread body is discarded at one time, and for how long; gunicorn reads up to 1 MiB ahead for each."""

CheckHeaders = Callable[[Mapping[str, str]], None]
"""Raises Refused for headers (lower-case names) that decide without the body."""

Response = tuple[str | Iterator[bytes], int, dict[str, str]]
"""Body, status code and headers, as Flask takes them."""


class ByteBudget:
    """A number of bytes that threads share."""

    def __init__(self, size: int) -> None:
        self._left, self._lock = size, Lock()

    def take(self, size: int) -> bool:
        """Take `size` bytes; return False, and take none, if fewer are left."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give_back(self, size: int) -> None:
        """Return bytes that were taken."""
        with self._lock:
            self._left += size


_BODIES = ByteBudget(BODIES_IN_FLIGHT)
_LINGERING = BoundedSemaphore(LINGERING)


def accept_all(_: Mapping[str, str]) -> None:
    """Refuse no headers."""


def serve(
    handler: Handler, flask_request: Any, largest: int = LARGEST_BODY, check_headers: CheckHeaders = accept_all
) -> Response:
    """Return the response to a `flask.Request` with a body of at most `largest` bytes."""
    if flask_request.method in ("GET", "HEAD") and flask_request.path.rstrip("/").endswith("/health"):
        return _response(health(datetime.now(UTC)))
    headers = {name.lower(): value for name, value in flask_request.headers.items()}
    size = flask_request.content_length
    if flask_request.method != "POST":
        return _unread(_method_not_allowed(flask_request.method), flask_request, largest)
    try:
        check_headers(headers)
        if (size or 0) > largest:
            raise _too_large(largest)
    except Refused as refused:
        return _unread(answer(_refusing(refused), Request(headers, b"")), flask_request, largest)
    reserved = largest if size is None else size
    if not _BODIES.take(reserved):
        return _unread(answer(_overloaded, Request(headers, b"")), flask_request, largest)
    try:
        return _with_body(handler, flask_request, largest, headers)
    finally:
        _BODIES.give_back(reserved)


def health(now: datetime) -> Answer:
    """Return that the process serves. The cluster is not called."""
    return Answer(200, {"status": "ok", "version": __version__, "timestamp": now.isoformat()})


def _with_body(handler: Handler, flask_request: Any, largest: int, headers: Mapping[str, str]) -> Response:
    try:
        body = _read(flask_request.stream, largest + 1)
    except Exception as error:  # noqa: BLE001  (each server raises its own errors for a body that it cannot read)
        log.warning("the body cannot be read: %s: %s", type(error).__name__, error)
        return _response(answer(_unreadable, Request(headers, b"")))
    if len(body) > largest:
        return _unread(answer(_refusing(_too_large(largest)), Request(headers, b"")), flask_request, largest)
    return _response(answer(handler, Request(headers, body)))


def _read(stream: Any, most: int) -> bytes:
    """Return the first `most` bytes of a body."""
    chunks: list[bytes] = []
    while most > 0 and (chunk := stream.read(min(CHUNK, most))):
        chunks.append(chunk)
        most -= len(chunk)
    return b"".join(chunks)


def _response(found: Answer) -> tuple[str, int, dict[str, str]]:
    text = "" if found.body is None else json.dumps(found.body)
    return text, found.code, {"Content-Type": "application/json", **found.headers}


def _unread(found: Answer, flask_request: Any, most: int) -> Response:
    """Return the response to a request whose body was not read."""
    text, code, headers = _response(found)
    body = text.encode()
    return _lingering(body, flask_request, most), code, headers | {"Content-Length": str(len(body))}


def _lingering(body: bytes, flask_request: Any, most: int) -> Iterator[bytes]:
    """Yield the response, then discard up to `most` bytes that the client still sends.

    A generator, because functions-framework reads the whole request into memory before any other response. To close
    the connection on a client that still sends would reset it before the response is read.
    """
    yield body
    deadline = time.monotonic() + LINGER_SECONDS
    if _LINGERING.acquire(timeout=LINGER_SECONDS):
        try:
            _discard(flask_request, most, deadline)
        finally:
            _LINGERING.release()


def _discard(flask_request: Any, most: int, deadline: float) -> None:
    with suppress(Exception):  # the client has gone; it has its response, or does not want it
        while most > 0 and time.monotonic() < deadline and (chunk := flask_request.stream.read(CHUNK)):
            most -= len(chunk)


def _method_not_allowed(method: str) -> Answer:
    refusal = failure(405, f"{method} is not allowed; send POST")
    return Answer(refusal.code, refusal.body, {"Allow": "POST"})


def _too_large(largest: int) -> Refused:
    return Refused(413, f"the body is larger than {largest} bytes")


def _refusing(refused: Refused) -> Handler:
    def refuse(_: Request) -> Answer:
        raise refused

    return refuse


def _overloaded(_: Request) -> Answer:
    """Answer a queue too, which delivers again."""
    log.warning("to be retried: other requests hold %d bytes of bodies at most", BODIES_IN_FLIGHT)
    refusal = failure(503, "too many large requests at one time; the same request may succeed later")
    return Answer(refusal.code, refusal.body, {"Retry-After": str(RETRY_AFTER)})


def _unreadable(_: Request) -> Answer:
    """Answer a queue too: it has the whole message and delivers it again."""
    return failure(400, "the body cannot be read", [("body", "is cut off, or its chunks are malformed")])
