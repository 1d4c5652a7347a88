"""The address of the API server and the identity of requests.

| settings                  | server and certificate    | credentials                          |
|---------------------------|---------------------------|--------------------------------------|
| no kubeconfig, in a pod   | the pod's cluster         | the pod's service account            |
| otherwise                 | the kubeconfig's          | the kubeconfig's                     |
| cluster.identity: google  | as above                  | application default credentials      |

The `kubernetes` package does the work.
"""

import os
from functools import partial
from pathlib import Path
from typing import Any

import google.auth
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from kubernetes.client import Configuration
from kubernetes.config import incluster_config

from functions.cluster.errors import Unavailable
from functions.cluster.kubeconfig import Kubeconfig, explained
from functions.settings.cluster import ClusterSettings

CONNECTIONS = 32
"""Connections kept open; functions-framework serves with 4 threads per processor."""

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""The scope of a token for the GKE API (Google Cloud: Authenticate to the GKE API)."""


def load(settings: ClusterSettings) -> Configuration:
    """Return the client configuration that the settings describe; send nothing.

    Raises Forbidden, naming the setting and the file.
    """
    configuration = Configuration(connection_pool_maxsize=CONNECTIONS)
    configuration.retries = False  # the handler decides whether a write is repeated, never the connection
    if _in_pod(settings):
        with explained("the pod's service account"):
            incluster_config.load_incluster_config(configuration)
    else:
        Kubeconfig(settings).apply(configuration)
    if settings.identity == "google":
        configuration.api_key["BearerToken"] = ""  # without an entry the package calls no hook
        configuration.refresh_api_key_hook = GoogleIdentity(settings.timeout)  # type: ignore[assignment]
    return configuration


def _in_pod(settings: ClusterSettings) -> bool:
    inside = incluster_config.SERVICE_HOST_ENV_NAME in os.environ
    return not settings.kubeconfig and inside and Path(incluster_config.SERVICE_TOKEN_FILENAME).exists()


class GoogleIdentity:
    """Sets the access token of Google's application default credentials, and renews it in time.

    Looks for credentials with the first request: a file, else the service account of the function or machine.
    """

    def __init__(self, timeout: float) -> None:
        self._transport: Any = partial(Request(), timeout=timeout)
        self._credentials: Any = None

    def __call__(self, configuration: Configuration) -> None:
        """Set the token of the next request; raise Unavailable if there is none."""
        headers: dict[str, str] = {}
        try:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[SCOPE], request=self._transport)
            self._credentials.before_request(self._transport, "GET", configuration.host, headers)
        except (GoogleAuthError, OSError) as error:
            raise Unavailable(f"no credentials for Google Cloud: {error} (setting cluster.identity)") from error
        configuration.api_key["BearerToken"] = headers["authorization"]
