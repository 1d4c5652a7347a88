"""A transport whose process stops after a chosen call, while all others go on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.cluster.transport import Request
from tests.support.call_interceptor import CallInterceptor


@dataclass
class FreezingTransport(CallInterceptor):
    """After call `at` (0-based) is done, `meanwhile` happens before its answer is seen."""

    meanwhile: Callable[[], object]

    def call(self, number: int, request: Request) -> Any:
        try:
            return self.inner.send(request)
        finally:
            if number == self.at:
                self.meanwhile()
