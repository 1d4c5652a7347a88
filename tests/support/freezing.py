"""A transport whose process is frozen after a chosen call, while others continue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.cluster.transport import Request
from tests.support.call_interceptor import CallInterceptor


@dataclass
class FreezingTransport(CallInterceptor):
    """Calls `meanwhile` after call `at` (0-based) was applied, before it returns the answer."""

    meanwhile: Callable[[], object]

    def call(self, number: int, request: Request) -> Any:
        try:
            return self.inner.send(request)
        finally:
            if number == self.at:
                self.meanwhile()
