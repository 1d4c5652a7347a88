"""How a request reaches the API server.

Everything above speaks to the `Transport` protocol, so that a test can count calls, fail them or run code between two
of them. The real one is `kubernetes_transport.KubernetesTransport`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

MERGE_PATCH = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Accept header of a list without spec and status (API concepts: Alternate representations of resources)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call to the API server.

    `body` is sent as JSON. `timeout` is the longest wait for data in seconds (None: that of the settings). A stream
    consists of JSON lines, or of plain lines if `text` is set.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    content_type: str = "application/json"
    timeout: float | None = None
    accept: str = "application/json"
    text: bool = False


class Transport(Protocol):
    """Carries requests to one API server; may be used from several threads."""

    def send(self, request: Request) -> Any:
        """Return the decoded response; raise a ClusterError."""
        ...

    def stream(self, request: Request) -> Iterator[Any]:
        """Return the decoded lines of a watch or log as they arrive, once it is open; raise a ClusterError."""
        ...
