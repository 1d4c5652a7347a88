"""The base of transports that change, count or refuse some calls."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from functions.cluster.transport import Request, Transport


@dataclass
class ForwardingTransport:
    """A transport that passes each call on unchanged."""

    inner: Transport

    def send(self, request: Request) -> Any:
        return self.inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)
