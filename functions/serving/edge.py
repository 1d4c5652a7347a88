"""The HTTP edge of every function: a request of functions-framework becomes a `Request`, an `Answer` its response.

What the method and the headers already decide is answered before the body is read.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from functions import __revision__, __version__
from functions.serving import bodies
from functions.serving.http import RETRY_AFTER, Answer, Handler, Refused, Request, answer, failure

log = logging.getLogger("orchestrator")

LARGEST_BODY = 3 * 1024 * 1024
"""Bytes; the API server accepts no larger request (apiserver, MaxRequestBodyBytes)."""

CheckHeaders = Callable[[Mapping[str, str]], None]
"""Raises Refused for headers (lower-case names) that decide without the body."""

Response = tuple[str | Iterator[bytes], int, dict[str, str]]
"""Body, status code and headers, as Flask takes them."""


def accept_all(_: Mapping[str, str]) -> None:
    """Refuse no headers."""


def serve(
    handler: Handler, flask_request: Any, largest: int = LARGEST_BODY, check_headers: CheckHeaders = accept_all
) -> Response:
    """Return the response to a `flask.Request` with a body of at most `largest` bytes."""
    if flask_request.method in ("GET", "HEAD") and flask_request.path.rstrip("/").endswith("/health"):
        return _response(health(datetime.now(UTC)))
    if flask_request.method != "POST":
        return _without_body(_method_not_allowed(flask_request.method), flask_request)
    headers = {name.lower(): value for name, value in flask_request.headers.items()}
    size = flask_request.content_length
    try:
        check_headers(headers)
        if (size or 0) > largest:
            raise _too_large(largest)
    except Refused as refused:
        return _without_body(answer(_refusing(refused), Request(headers, b"")), flask_request)
    with bodies.IN_FLIGHT.taken(largest if size is None else size) as enough:
        if not enough:
            return _without_body(answer(_overloaded, Request(headers, b"")), flask_request)
        return _with_body(handler, flask_request, largest, headers)


def health(now: datetime) -> Answer:
    """Return that the process serves. The cluster is not called."""
    version = {"version": __version__, "revision": __revision__}
    return Answer(200, {"status": "ok", **version, "timestamp": now.isoformat()})


def _with_body(handler: Handler, flask_request: Any, largest: int, headers: Mapping[str, str]) -> Response:
    try:
        body = bodies.read(flask_request, largest + 1)
    except Exception as error:  # noqa: BLE001  (a server raises its own errors for a body that it cannot read)
        log.warning("the body cannot be read: %s: %s", type(error).__name__, error)
        return _response(answer(_unreadable, Request(headers, b"")))
    if len(body) > largest:
        refused = answer(_refusing(_too_large(largest)), Request(headers, b""))
        return _without_body(refused, flask_request)
    return _response(answer(handler, Request(headers, body)))


def _response(result: Answer) -> tuple[str, int, dict[str, str]]:
    text = "" if result.body is None else json.dumps(result.body)
    return text, result.code, {"Content-Type": "application/json", **result.headers}


def _without_body(result: Answer, flask_request: Any) -> Response:
    """Return the response to a request whose body was not read to its end."""
    text, code, headers = _response(result)
    body = text.encode()
    headers |= {"Content-Length": str(len(body))}
    return bodies.answer_then_discard(body, flask_request), code, headers


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
    log.warning("to be retried: the bodies under way have %d bytes or nearly so", bodies.BODIES_IN_FLIGHT)
    refusal = failure(503, "too many large requests at one time; the same request may succeed later")
    return Answer(refusal.code, refusal.body, {"Retry-After": str(RETRY_AFTER)})


def _unreadable(_: Request) -> Answer:
    """Answer a queue too: it has the whole message and delivers it again."""
    return failure(400, "the body cannot be read", [("body", "is cut off, or its chunks are malformed")])
