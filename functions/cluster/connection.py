"""Where the API server is and how to prove who asks: in-cluster, by kubeconfig, or as a Google service account.

The ordinary cases are read here, with urllib3 alone: importing the `kubernetes` package takes longer than all else
that a function does until its first answer (make bench, cold start). Whatever else a kubeconfig may hold (client
certificates, commands, plugins, several files) is left to that package.
"""

import base64
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from functions.cluster.errors import Forbidden
from functions.cluster.tokens import FileToken, GoogleToken
from functions.settings.cluster import ClusterSettings

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes mounts a pod's own credentials (Accessing the API from within a Pod)."""

CONNECTIONS = 32
"""Connections kept open; functions-framework serves with 4 threads per processor."""

PLAIN_USER = frozenset({"token", "tokenFile"})
PLAIN_CLUSTER = frozenset(
    {"server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"}
)

Token = Callable[[], str]


@dataclass(frozen=True)
class Connection:
    """The API server's URL, connections to it, and the bearer token of the moment (empty: none)."""

    host: str
    pool: urllib3.PoolManager
    token: Token

    def headers(self) -> dict[str, str]:
        """What a request is sent with. Raises Forbidden or Unavailable where there is no token to be had."""
        token = self.token()
        return {"Authorization": f"Bearer {token}"} if token else {}


def connect(settings: ClusterSettings) -> Connection:
    """The connection that the settings describe; calls nobody. Raises Forbidden, naming the setting."""
    if settings.kubeconfig or not (SERVICE_ACCOUNT / "token").exists():
        found = _plain(settings) or _by_package(settings)
    else:
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        name = f"[{host}]" if ":" in host else host
        tls = ssl.create_default_context(cafile=SERVICE_ACCOUNT / "ca.crt")
        found = Connection(f"https://{name}:{port}", _pool(tls), FileToken(SERVICE_ACCOUNT / "token"))
    return found if settings.identity == "kubeconfig" else Connection(found.host, found.pool, GoogleToken())


def _pool(tls: ssl.SSLContext | None) -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=CONNECTIONS, retries=False, ssl_context=tls)


def _plain(settings: ClusterSettings) -> Connection | None:
    """What one kubeconfig with nothing but an address and a token says; None for any other."""
    path = settings.kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    try:
        config = yaml.load(Path(path).read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        context = _named(config["contexts"], settings.context or config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config.get("users") or [], context["user"])["user"] or {}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None  # the package says what is wrong with it
    if not (user.keys() <= PLAIN_USER and cluster.keys() <= PLAIN_CLUSTER):
        return None
    folder = Path(path).parent
    return Connection(str(cluster["server"]).rstrip("/"), _pool(_tls(cluster, folder)), _token(user, folder))


def _named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next((each for each in items if each["name"] == name), {})


def _tls(cluster: Mapping[str, Any], folder: Path) -> ssl.SSLContext | None:
    if str(cluster["server"]).startswith("http://"):
        return None
    data, file = cluster.get("certificate-authority-data"), cluster.get("certificate-authority")
    try:
        text = base64.b64decode(data).decode() if data else None
        tls = ssl.create_default_context(cadata=text, cafile=folder / file if file and not data else None)
    except (OSError, ValueError) as error:
        raise Forbidden(f"setting cluster.kubeconfig: the cluster's certificate cannot be read: {error}") from error
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


def _token(user: Mapping[str, Any], folder: Path) -> Token:
    token = user.get("token", "")
    return (lambda: token) if token or "tokenFile" not in user else FileToken(folder / user["tokenFile"])


def _by_package(settings: ClusterSettings) -> Connection:
    """What the `kubernetes` package makes of the kubeconfig."""
    from kubernetes import client, config

    configuration = client.Configuration()
    try:
        config.load_kube_config(
            settings.kubeconfig or None, settings.context or None, client_configuration=configuration
        )
    except config.ConfigException as error:
        raise Forbidden(f"no credentials for the cluster (setting cluster.kubeconfig): {error}") from error
    configuration.retries = False  # a repeated write is decided by the handler, never by the connection
    configuration.connection_pool_maxsize = CONNECTIONS
    api = client.ApiClient(configuration)

    def token() -> str:
        headers: dict[str, str] = {}
        api.update_params_for_auth(headers, [], ["BearerToken"])  # asks the plugin again when it is time
        return headers.get("authorization", "").removeprefix("Bearer ")

    return Connection(configuration.host, api.rest_client.pool_manager, token)
