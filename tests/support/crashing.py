"""A transport whose process dies before or after a chosen call."""

from dataclasses import dataclass
from typing import Any

from functions.cluster.transport import Request
from tests.support.call_interceptor import CallInterceptor


class Killed(BaseException):
    """The process died; a BaseException, so that no handler catches it and cleans up."""


@dataclass
class CrashingTransport(CallInterceptor):
    """Dies at call `at` (0-based), before it is sent or after it was applied; every later call dies too."""

    after: bool

    def call(self, number: int, request: Request) -> Any:
        if number < self.at:
            return self.inner.send(request)
        if number == self.at and self.after:
            self.inner.send(request)
        raise Killed(f"at call {number}: {request.method} {request.path}")
