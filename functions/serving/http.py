"""Requests and answers of handlers, and how errors become answers.

Errors are of two families. *Retryable* (503): the queue delivers the event again, with back-off. *Final*: a person
gets a 4xx that names every problem; a queue gets an acknowledgement and the log a line, because the same event would
fail again. A missing token or permission (401, 403) is final for a person, but kept by the queue: people can fix it.
The answer is never 202, which Pub/Sub counts as a failure.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from functions.cluster import errors
from functions.events.event import MalformedError
from functions.events.receive import Received, receive
from functions.github.api.errors import Busy, Denied, GithubError, NotInstalled
from functions.queues.publisher import PublishError
from functions.telemetry.invocation import record_invocation

log = logging.getLogger("orchestrator")

RETRY_AFTER = 5
"""Seconds, if the error names none."""

FIXABLE = frozenset({401, 403})
"""Refusals that people can fix (a token, a permission). The queue keeps such an event, at last as a dead letter."""


@dataclass(frozen=True)
class Request:
    """A request to a handler; `headers` have lower-case names."""

    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def received(self) -> Received:
        """The event or the JSON in the request, decoded once."""
        return receive(self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a handler; without a body it is an acknowledgement."""

    code: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


ACKNOWLEDGED = Answer(204)

Handler = Callable[[Request], Answer]


class Refused(Exception):
    """The request can never succeed. `code` is 4xx, `problems` are (field, what is wrong)."""

    def __init__(self, code: int, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.problems = problems


def answer(handler: Handler, request: Request) -> Answer:
    """Return the handler's answer, or the answer to what it raises. Raises nothing."""
    with record_invocation(request.headers) as work:
        result = _answered(handler, request)
        work.code = result.code
    return result


def _answered(handler: Handler, request: Request) -> Answer:
    try:
        return handler(request)
    except Refused as refused:
        return _final(request, refused.code, refused.message, refused.problems)
    except MalformedError as malformed:
        return _final(request, 400, "the request cannot be understood", malformed.problems)
    except errors.Invalid as invalid:
        log.warning("refused: %s", errors.loggable(invalid), extra={"code": 422})
        return _refusal(request, 422, str(invalid), invalid.causes)
    except (errors.Unavailable, Busy) as error:
        return _retryable(error, error.retry_after)
    except (errors.ClusterError, PublishError) as error:
        return _retryable(error, None)
    except GithubError as error:
        return _final(request, 403 if isinstance(error, Denied | NotInstalled) else 422, str(error), ())
    except Exception as error:
        log.exception("unexpected error")
        return _retryable(error, None)


def _final(request: Request, code: int, message: str, problems: Sequence[tuple[str, str]]) -> Answer:
    log.warning("refused: %s", message, extra={"code": code, "problems": [f"{at}: {why}" for at, why in problems]})
    return _refusal(request, code, message, problems)


def _refusal(request: Request, code: int, message: str, problems: Sequence[tuple[str, str]]) -> Answer:
    """Return the refusal for a person; an acknowledgement for a queue, which would only send the event again."""
    if code not in FIXABLE and request.received.from_queue:
        return ACKNOWLEDGED
    return failure(code, message, problems)


def _retryable(error: Exception, seconds: float | None) -> Answer:
    log.warning("to be retried: %s: %s", type(error).__name__, error)
    message = "the cluster, the queue or GitHub cannot be reached or is busy; the same request may succeed later"
    body = failure(503, message).body
    return Answer(503, body, {"Retry-After": str(int(seconds or RETRY_AFTER))})


def failure(code: int, message: str, problems: Sequence[tuple[str, str]] = ()) -> Answer:
    """Return an error in the form that clients read."""
    named = [{"field": at, "message": why} for at, why in problems]
    return Answer(code, {"success": False, "message": message, "errors": named})
