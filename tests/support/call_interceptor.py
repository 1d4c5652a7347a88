"""Base of transports that intercept calls by number."""

from dataclasses import dataclass, field
from typing import Any

from functions.cluster.transport import Request
from tests.support.forwarding import ForwardingTransport


@dataclass
class CallInterceptor(ForwardingTransport):
    """Counts requests; `call` answers each, and `at` (0-based) is the first one that it treats differently."""

    at: int
    sent: int = field(default=0, init=False)

    @property
    def triggered(self) -> bool:
        """Whether call `at` was made."""
        return self.sent > self.at

    def send(self, request: Request) -> Any:
        number, self.sent = self.sent, self.sent + 1
        return self.call(number, request)

    def call(self, number: int, request: Request) -> Any:
        """Return the answer to call `number` (0-based), or raise an error instead."""
        raise NotImplementedError
