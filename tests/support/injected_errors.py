"""A transport that answers one call, or several in a row, with an error; the call is applied or not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.cluster.errors import ClusterError, Unavailable, from_response
from functions.cluster.transport import Request
from tests.support.call_interceptor import CallInterceptor

ALL_LATER_CALLS = 1_000
"""More calls than any function makes."""


def _status(code: int, reason: str) -> Callable[[], ClusterError]:
    body = f'{{"kind": "Status", "reason": "{reason}", "message": "answered by the test"}}'.encode()
    return lambda: from_response(code, body, "1" if code == 429 else None)


@dataclass(frozen=True)
class InjectedError:
    """One kind of error; `applied` means that the server applies the call before the error."""

    name: str
    error: Callable[[], ClusterError]
    applied: bool = False


OUTAGE = InjectedError("503", _status(503, "ServiceUnavailable"))
LOST_ANSWER = InjectedError("time-out after", lambda: Unavailable("timed out"), applied=True)
INJECTED_ERRORS = [
    InjectedError("409", _status(409, "Conflict")),
    InjectedError("404 of a path", lambda: from_response(404, b"404 page not found\n", None)),
    InjectedError("410", _status(410, "Expired")),
    InjectedError("429", _status(429, "TooManyRequests")),
    InjectedError("500", _status(500, "InternalError")),
    OUTAGE,
    InjectedError("503 of a proxy", lambda: from_response(503, b"<html>upstream</html>", None)),
    InjectedError("time-out before", lambda: Unavailable("timed out")),
    LOST_ANSWER,
    InjectedError("reset before", lambda: Unavailable("connection reset by peer")),
    InjectedError("reset after", lambda: Unavailable("connection reset by peer"), applied=True),
]


@dataclass
class ErrorInjector(CallInterceptor):
    """Answers `times` calls with the error, starting with call `at` (0-based)."""

    fault: InjectedError
    times: int = 1

    def call(self, number: int, request: Request) -> Any:
        if self.at <= number < self.at + self.times:
            if self.fault.applied:
                self.inner.send(request)
            raise self.fault.error()
        return self.inner.send(request)
