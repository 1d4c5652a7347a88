"""How a request reaches the API server. Everything above speaks to the `Transport` protocol, so that a test can
count calls, refuse them, or stop the world between two of them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import urllib3

from functions.cluster.errors import Forbidden, Unavailable, from_status
from functions.settings.cluster import ClusterSettings

SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  (a path)
"""Where Kubernetes mounts a pod's own credentials (Accessing the API from within a Pod)."""

CONNECTIONS = 32
"""Connections kept open; functions-framework serves with 4 threads per processor."""

MERGE_PATCH = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Of a list (Kubernetes API concepts: Alternate representations of resources)."""


@dataclass(frozen=True)
class Request:
    """One call: `body` is sent as JSON, `timeout` in seconds (None: as long as the server keeps talking)."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    content_type: str = "application/json"
    timeout: float | None = None
    accept: str = "application/json"


class Transport(Protocol):
    """Carries requests to one API server; may be used from several threads."""

    def send(self, request: Request) -> Any:
        """The decoded answer. Raises a ClusterError."""
        ...

    def stream(self, request: Request) -> Iterator[Any]:
        """The decoded lines of a watch, as they come; returns once it is open. Raises a ClusterError."""
        ...


class KubernetesTransport:
    """Credentials, TLS and connections of the `kubernetes` package; bodies stay plain JSON.

    Its typed models are left out: they double the time a function needs to start, and drop fields they do not know.
    Nothing is read or imported before the first call, so that a function that refuses a request needs no cluster.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings

    @cached_property
    def _api(self) -> Any:
        from kubernetes import client, config

        configuration = client.Configuration()
        try:
            if self._settings.kubeconfig or not Path(SERVICE_ACCOUNT_TOKEN).exists():
                file, context = self._settings.kubeconfig or None, self._settings.context or None
                config.load_kube_config(file, context, client_configuration=configuration)
            else:
                config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException as error:
            raise Forbidden(f"no credentials for the cluster (setting cluster.kubeconfig): {error}") from error
        configuration.retries = False  # a repeated write is decided by the handler, never by the connection
        configuration.connection_pool_maxsize = CONNECTIONS
        return client.ApiClient(configuration)

    def send(self, request: Request) -> Any:
        """The decoded answer. Raises a ClusterError."""
        response = self._open(request, preload=True)
        return json.loads(response.data)

    def stream(self, request: Request) -> Iterator[Any]:
        """The decoded lines of a watch, as they come; returns once it is open. Raises a ClusterError."""
        return self._lines(self._open(request, preload=False))

    def _lines(self, response: Any) -> Iterator[Any]:
        try:
            for line in response:
                if line.strip():
                    yield json.loads(line)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unavailable(f"the watch was cut: {error}") from error
        finally:
            response.close()

    def _open(self, request: Request, *, preload: bool) -> Any:
        headers = {"Accept": request.accept, "Content-Type": request.content_type}
        self._api.update_params_for_auth(headers, [], ["BearerToken"])
        url, longest = self._api.configuration.host + request.path, self._settings.timeout
        if request.query:
            url += "?" + urlencode(request.query)
        try:
            response = self._api.rest_client.pool_manager.request(
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
