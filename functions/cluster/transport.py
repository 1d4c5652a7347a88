"""How a request reaches the API server. Everything above speaks to the `Transport` protocol, so that a test can
count calls, refuse them, or stop the world between two of them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from functions.cluster.errors import Unavailable, from_status
from functions.settings.cluster import ClusterSettings

if TYPE_CHECKING:
    from functions.cluster.connection import Connection

MERGE_PATCH = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Of a list (Kubernetes API concepts: Alternate representations of resources)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `body` is sent as JSON, `timeout` in seconds (None: that of the settings).

    A stream is of JSON lines, or with `text` of lines as they are.
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
        """The decoded answer. Raises a ClusterError."""
        ...

    def stream(self, request: Request) -> Iterator[Any]:
        """The decoded lines of a watch, as they come; returns once it is open. Raises a ClusterError."""
        ...


class KubernetesTransport:
    """Plain JSON over urllib3.

    Nothing is read before the first call, so that a function that refuses a request needs no cluster. The typed
    models of the `kubernetes` package are left out: they drop fields they do not know.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings

    @cached_property
    def _connection(self) -> "Connection":
        from functions.cluster.connection import connect  # not by the webhook, which asks no cluster

        return connect(self._settings)

    def send(self, request: Request) -> Any:
        """The decoded answer. Raises a ClusterError."""
        text = self._open(request, preload=True).data.decode()  # the bytes are let go before a page is made of it
        return json.loads(text)

    def stream(self, request: Request) -> Iterator[Any]:
        """The decoded lines of a watch, as they come; returns once it is open. Raises a ClusterError."""
        decode = _text if request.text else json.loads
        return self._lines(self._open(request, preload=False), decode)

    def _lines(self, response: Any, decode: Callable[[bytes], Any]) -> Iterator[Any]:
        import urllib3

        try:
            for line in response:
                if line.strip():
                    yield decode(line)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unavailable(f"the stream was cut: {error}") from error
        finally:
            response.close()

    def _open(self, request: Request, *, preload: bool) -> Any:
        import urllib3  # with the first call, as is `connection`

        connection, longest = self._connection, self._settings.timeout
        headers = {"Accept": request.accept, "Content-Type": request.content_type, **connection.headers()}
        pool, root = connection.route
        url = root + request.path
        if request.query:
            url += "?" + urlencode(request.query)
        try:
            response = pool.request(
                request.method,
                url,
                body=None if request.body is None else json.dumps(request.body),
                headers=headers,
                timeout=urllib3.Timeout(connect=longest, read=request.timeout or longest),
                preload_content=preload,
                retries=False,
            )
            if response.status >= 400:
                raise from_status(response.status, response.data, response.headers.get("Retry-After"))
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"the API server did not answer {request.method} {request.path}: {error}") from error
        return response


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\n")
