"""A transport of which one call goes wrong: it is answered with an error, before or after it was applied."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from functions.cluster.errors import ClusterError, Unavailable, from_status
from functions.cluster.transport import Request, Transport


def _status(code: int, reason: str) -> Callable[[], ClusterError]:
    body = f'{{"kind": "Status", "reason": "{reason}", "message": "answered by the test"}}'.encode()
    return lambda: from_status(code, body, "1" if code == 429 else None)


@dataclass(frozen=True)
class Fault:
    """One way in which a call goes wrong; `applied` says that the server did as asked all the same."""

    name: str
    error: Callable[[], ClusterError]
    applied: bool = False


FAULTS = [
    Fault("409", _status(409, "Conflict")),
    Fault("429", _status(429, "TooManyRequests")),
    Fault("500", _status(500, "InternalError")),
    Fault("503", _status(503, "ServiceUnavailable")),
    Fault("503 of a proxy", lambda: from_status(503, b"<html>upstream</html>", None)),
    Fault("time-out before", lambda: Unavailable("timed out")),
    Fault("time-out after", lambda: Unavailable("timed out"), applied=True),
]


@dataclass
class Failing:
    """Call `at` (0-based) goes wrong; those before and after it do not."""

    inner: Transport
    at: int
    fault: Fault
    sent: int = 0

    @property
    def struck(self) -> bool:
        """Whether that call was made."""
        return self.sent > self.at

    def send(self, request: Request) -> Any:
        number, self.sent = self.sent, self.sent + 1
        if number == self.at:
            if self.fault.applied:
                self.inner.send(request)
            raise self.fault.error()
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)
