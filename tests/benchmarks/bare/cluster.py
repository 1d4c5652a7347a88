"""Recorded calls to the API server, made again with the `kubernetes` package directly."""

import json
from collections.abc import Mapping
from typing import Any

from kubernetes.client import ApiClient, Configuration
from kubernetes.config import load_kube_config

CONNECTIONS = 32
"""The number of connections that the product keeps open."""


class Cluster:
    """One API server; `send` may be used from several threads."""

    def __init__(self, kubeconfig: str) -> None:
        configuration = Configuration(connection_pool_maxsize=CONNECTIONS)
        load_kube_config(kubeconfig, client_configuration=configuration)
        self._client = ApiClient(configuration)

    def send(self, call: Mapping[str, Any], versions: dict[str, str]) -> None:
        """Make one call: `method`, `path`, `query`, `body`, `content_type`, `accept`, and whether it was `refused`.

        `versions` has the version of each object as last read, by path: a write that names a version names that one.
        Raises AssertionError if the API server refuses the call, or accepts it, unlike when it was recorded.
        """
        path = call["path"].removesuffix("/status")
        status, text = _send(self._client, call, _at_version(call["body"], versions.get(path)))
        assert (status >= 400) == call["refused"], f"{call['method']} {call['path']}: {status} {text[:500]!r}"
        if status < 400:
            versions[path] = json.loads(text)["metadata"].get("resourceVersion", "")


def _at_version(body: Any, version: str | None) -> Any:
    if version and body and "resourceVersion" in body["metadata"]:
        return {**body, "metadata": {**body["metadata"], "resourceVersion": version}}
    return body


def _send(client: ApiClient, call: Mapping[str, Any], body: Any) -> tuple[int, bytes]:
    headers = {"Accept": call["accept"]} | ({"Content-Type": call["content_type"]} if body is not None else {})
    request = client.param_serialize(
        call["method"],
        call["path"],
        query_params=list(call["query"].items()),
        header_params=headers,
        body=body,
        auth_settings=["BearerToken"],
    )
    response: Any = client.call_api(*request)
    return response.status, response.read()
