"""The edge of every function: what a handler is given and answers, and how failures become answers.

Two families of failure, and the platform sees the difference: *retry* (429 or 5xx: the queue delivers again, with
back-off) and *final* (to a person 4xx, naming every problem; to a queue an acknowledgement, with a log line, since
sending it again cannot help; but for a lacking token or right, which people can mend). Never 202: Pub/Sub counts it
as a failure.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from functions import __version__
from functions.cluster import errors
from functions.events.event import MalformedError
from functions.events.pubsub_binding import SUBSCRIPTION
from functions.events.receive import Received, receive
from functions.github.api.errors import Busy, Denied, GithubError, NotInstalled
from functions.queues.publisher import PublishError
from functions.telemetry.invocation import record_invocation

log = logging.getLogger("orchestrator")

LARGEST_BODY = 3 * 1024 * 1024
"""Bytes; the API server takes no larger request (apiserver, MaxRequestBodyBytes)."""

RETRY_AFTER = 5
"""Seconds, where the cause names none."""

QUEUE_HEADER = SUBSCRIPTION
"""Header of a push delivery without wrapping."""

MENDABLE = frozenset({401, 403})
"""Refusals that people can mend (a token, a right): a queue keeps what was refused so, at last as a dead letter."""


@dataclass(frozen=True)
class Request:
    """What a handler is given: `headers` have lower-case names."""

    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def received(self) -> Received:
        """The event or the JSON in the request, decoded once."""
        return receive(self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers; no body means an acknowledgement."""

    code: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


ACKNOWLEDGED = Answer(204)

Handler = Callable[[Request], Answer]


class Refused(Exception):
    """The request will never be taken: `code` is 4xx, `problems` are (field, what is wrong)."""

    def __init__(self, code: int, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.problems = problems


def answer(handler: Handler, request: Request) -> Answer:
    """The handler's answer, with everything it may raise turned into one; nothing else leaves this function."""
    with record_invocation(request.headers) as work:
        found = _answered(handler, request)
        work.code = found.code
    return found


def _answered(handler: Handler, request: Request) -> Answer:
    try:
        return handler(request)
    except Refused as refused:
        return _final(request, refused.code, refused.message, refused.problems)
    except MalformedError as malformed:
        return _final(request, 400, "the request cannot be understood", malformed.problems)
    except errors.Invalid as invalid:
        log.warning("refused: %s", errors.loggable(invalid), extra={"code": 422})
        return _to_whom(request, 422, str(invalid), invalid.causes)
    except PublishError as error:
        return _again(error, None)
    except (errors.ClusterError, Busy) as error:
        return _again(error, getattr(error, "retry_after", None))
    except GithubError as error:
        return _final(request, 403 if isinstance(error, Denied | NotInstalled) else 422, str(error), ())
    except Exception as error:
        log.exception("unexpected error")
        return _again(error, None)


def _final(request: Request, code: int, message: str, problems: Sequence[tuple[str, str]]) -> Answer:
    log.warning("refused: %s", message, extra={"code": code, "problems": [f"{at}: {why}" for at, why in problems]})
    return _to_whom(request, code, message, problems)


def _to_whom(request: Request, code: int, message: str, problems: Sequence[tuple[str, str]]) -> Answer:
    """The refusal to a person; an acknowledgement to a queue, which could only send it again."""
    if code not in MENDABLE and request.received.from_queue:
        return ACKNOWLEDGED
    return failure(code, message, problems)


def _again(error: Exception, seconds: float | None) -> Answer:
    log.warning("to be retried: %s: %s", type(error).__name__, error)
    what = "the cluster, the queue or GitHub cannot be reached or is busy; the same request may succeed later"
    body = failure(503, what).body
    return Answer(503, body, {"Retry-After": str(int(seconds or RETRY_AFTER))})


def failure(code: int, message: str, problems: Sequence[tuple[str, str]] = ()) -> Answer:
    """An error as clients read it."""
    named = [{"field": at, "message": why} for at, why in problems]
    return Answer(code, {"success": False, "message": message, "errors": named})


def health(now: datetime) -> Answer:
    """Says that the process serves; the cluster is not asked."""
    return Answer(200, {"status": "ok", "version": __version__, "timestamp": now.isoformat()})


def serve(handler: Handler, flask_request: Any, largest: int = LARGEST_BODY) -> tuple[str, int, dict[str, str]]:
    """Answers a request of functions-framework (a `flask.Request`), of at most `largest` bytes, in Flask's terms."""
    found = _route(handler, flask_request, largest)
    text = "" if found.body is None else json.dumps(found.body)
    return text, found.code, {"Content-Type": "application/json", **found.headers}


def _route(handler: Handler, flask_request: Any, largest: int) -> Answer:
    if flask_request.method in ("GET", "HEAD") and flask_request.path.rstrip("/").endswith("/health"):
        return health(datetime.now(UTC))
    if flask_request.method != "POST":
        refused = failure(405, f"{flask_request.method} is not allowed; send POST")
        return Answer(refused.code, refused.body, {"Allow": "POST"})
    headers = {name.lower(): value for name, value in flask_request.headers.items()}
    too_large = (flask_request.content_length or 0) > largest
    try:
        body = b"" if too_large else flask_request.stream.read(largest + 1)
    except Exception as error:  # noqa: BLE001  (whatever the server in front says of a body it cannot read)
        log.warning("the body cannot be read: %s: %s", type(error).__name__, error)
        return answer(_unreadable, Request(headers, b""))
    if too_large or len(body) > largest:
        return answer(_too_large(largest), Request(headers, b""))
    return answer(handler, Request(headers, body))


def _unreadable(_: Request) -> Answer:
    """Also to a queue, which is to send it again: it has the whole message."""
    return failure(400, "the body cannot be read", [("body", "is cut off, or its chunks are malformed")])


def _too_large(largest: int) -> Handler:
    def refuse(_: Request) -> Answer:
        raise Refused(413, f"the body is larger than {largest} bytes")

    return refuse
