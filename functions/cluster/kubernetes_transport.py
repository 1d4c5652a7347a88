"""Requests through the `kubernetes` package: plain objects in and out, its connections, TLS, proxies and credentials.

Its typed models are not used: they drop fields that they do not know, and load slowly.
"""

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError, NewConnectionError  # raised by the package's connections
from urllib3.response import BaseHTTPResponse

from functions.cluster import credentials
from functions.cluster.errors import NoCredentials, Unavailable, from_response
from functions.cluster.transport import Request
from functions.settings.cluster import ClusterSettings

USER_AGENT = "orchestrator"
"""Names the sender in the API server's audit log."""


class KubernetesTransport:
    """Sends requests with an ApiClient, made for the first of them: a function that rejects a request needs none."""

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings

    @cached_property
    def _client(self) -> ApiClient:
        client = ApiClient(credentials.load(self._settings))
        client.user_agent = USER_AGENT
        return client

    def send(self, request: Request) -> Any:
        """Return the decoded response; raise a ClusterError."""
        try:
            return json.loads(self._open(request).read().decode())  # the bytes are freed before decoding a page
        except (HTTPError, ValueError) as error:
            raise Unavailable(f"{request.method} {request.path}: the response cannot be read: {error}") from error

    def stream(self, request: Request) -> Iterator[Any]:
        """Return the decoded lines of a watch or log as they arrive, once it is open; raise a ClusterError."""
        return _lines(self._open(request), _text if request.text else json.loads)

    def _open(self, request: Request) -> BaseHTTPResponse:
        """Return the response, its body unread; a status of 400 and more raises a ClusterError."""
        seconds = self._settings.timeout
        call = self._client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params=_headers(request),
            body=request.body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(*call, _request_timeout=(seconds, request.timeout or seconds))
            if response.status >= 400:
                raise from_response(response.status, response.read(), response.headers.get("Retry-After"))
        except (HTTPError, ApiException) as error:  # ApiException: the TLS handshake failed
            why = self._explained(error)
            raise Unavailable(f"the API server did not answer {request.method} {request.path}: {why}") from error
        except ValueError:  # its text repeats the header
            problem = "the bearer token has characters that an HTTP header cannot carry"
            raise NoCredentials(f"no credentials for the cluster (setting cluster.kubeconfig): {problem}") from None
        opened: BaseHTTPResponse = response.response
        return opened

    def _explained(self, error: HTTPError | ApiException) -> object:
        """Return why there is no answer, for people."""
        why = getattr(error, "reason", None) or error
        if not (isinstance(why, NewConnectionError) and isinstance(why.__cause__, ConnectionRefusedError)):
            return why
        server = urlsplit(self._client.configuration.host)
        hint = "; is `make dev` running?" if server.hostname in ("127.0.0.1", "::1", "localhost") else ""
        return f"nothing listens at {server.netloc}{hint}"


def _headers(request: Request) -> dict[str, str]:
    return {"Accept": request.accept} | ({} if request.body is None else {"Content-Type": request.content_type})


def _lines(response: BaseHTTPResponse, decode: Callable[[bytes], Any]) -> Iterator[Any]:
    try:
        for line in response:
            if line.strip():
                yield decode(line)
    except (HTTPError, ValueError) as error:
        raise Unavailable(f"the stream was cut: {error}") from error
    finally:
        response.close()


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\n")
