"""Where the API server is and how to prove who asks: in-cluster, by kubeconfig, or as a Google service account.

The ordinary cases are read here, with urllib3 alone: importing the `kubernetes` package takes longer than all else
that a function does until its first answer (make bench, cold start). Whatever else a kubeconfig may hold (client
certificates, commands, plugins, several files) is left to that package.
"""

import base64
import json
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import urllib3

from functions.cluster.errors import Forbidden
from functions.cluster.tokens import FileToken, GoogleToken
from functions.settings.cluster import ClusterSettings

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes mounts a pod's own credentials (Accessing the API from within a Pod)."""

HOST = "KUBERNETES_SERVICE_HOST"
"""Set in every pod, as is KUBERNETES_SERVICE_PORT."""

CONNECTIONS = 32
"""Connections kept open; functions-framework serves with 4 threads per processor."""

PLAIN_USER = frozenset({"token", "tokenFile"})
PLAIN_CLUSTER = frozenset({"server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"})
PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"})
"""Where one is set, the package decides what goes through it."""

MISSHAPEN = (AttributeError, KeyError, TypeError, ValueError, RecursionError)
"""What reading a kubeconfig comes to that is no kubeconfig."""

Token = Callable[[], str]


@dataclass(frozen=True)
class Connection:
    """The API server's URL, connections to it, and the bearer token of the moment (empty: none)."""

    host: str
    pool: urllib3.PoolManager
    token: Token

    @cached_property
    def route(self) -> tuple[urllib3.PoolManager | urllib3.HTTPConnectionPool, str]:
        """What carries requests, and what to put before a path to make the URL for it.

        The manager of pools would look for the server's own one anew for each request, a fifth of what sending one
        takes; a proxy's has more to say.
        """
        if isinstance(self.pool, urllib3.ProxyManager):
            return self.pool, self.host
        return self.pool.connection_from_url(self.host), urllib3.util.parse_url(self.host).path or ""

    def headers(self) -> dict[str, str]:
        """What a request is sent with. Raises Forbidden or Unavailable where there is no token to be had."""
        token = self.token()
        return {"Authorization": f"Bearer {token}"} if token else {}


def connect(settings: ClusterSettings, mounted: Path = SERVICE_ACCOUNT) -> Connection:
    """The connection that the settings describe; calls nobody. Raises Forbidden, naming the setting."""
    inside = not settings.kubeconfig and HOST in os.environ and (mounted / "token").exists()
    found = _in_cluster(mounted) if inside else _plain(settings) or _by_package(settings)
    return found if settings.identity == "kubeconfig" else Connection(found.host, found.pool, GoogleToken())


def _in_cluster(mounted: Path) -> Connection:
    host, port = os.environ[HOST], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    name = f"[{host}]" if ":" in host else host
    return Connection(f"https://{name}:{port}", _pool(_trusting(mounted / "ca.crt")), FileToken(mounted / "token"))


def _pool(tls: ssl.SSLContext | None) -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=CONNECTIONS, retries=False, ssl_context=tls)


def _plain(settings: ClusterSettings) -> Connection | None:
    """What one kubeconfig with nothing but an address and a token says; None for any other."""
    path = _path(settings)
    try:
        config = _decoded(Path(path).read_bytes())
        context = _named(config["contexts"], settings.context or config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config.get("users") or [], context["user"])["user"] or {}
        plain = user.keys() <= PLAIN_USER and cluster.keys() <= PLAIN_CLUSTER and "server" in cluster
        plain = plain and all(isinstance(each, str | bool) for each in (*user.values(), *cluster.values()))
        plain = plain and bool(urllib3.util.parse_url(cluster["server"]).host)
    except (OSError, *MISSHAPEN):
        return None  # the package says what is wrong with it
    if not plain or PROXIES & os.environ.keys():
        return None
    folder = Path(path).parent
    return Connection(str(cluster["server"]).rstrip("/"), _pool(_tls(cluster, folder)), _token(user, folder))


def _path(settings: ClusterSettings) -> str:
    return settings.kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def _decoded(text: bytes) -> Any:
    """What YAML says. Raises ValueError.

    JSON is YAML, and deployed functions are given that: loading a parser for the rest would take them 12 ms.
    """
    try:
        return json.loads(text)
    except ValueError:
        import yaml
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next((each for each in items if each["name"] == name), {})


def _tls(cluster: Mapping[str, Any], folder: Path) -> ssl.SSLContext | None:
    if str(cluster["server"]).startswith("http://"):
        return None
    data, file = cluster.get("certificate-authority-data"), cluster.get("certificate-authority")
    tls = _trusting(folder / file if file and not data else None, data)
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


def _trusting(file: Path | None, data: str | None = None) -> ssl.SSLContext:
    """Trusts that certificate, in a file or as base64; without any, those of the system."""
    try:
        return ssl.create_default_context(cadata=base64.b64decode(data).decode() if data else None, cafile=file)
    except (OSError, ValueError) as error:
        why = "the cluster's certificate cannot be read (setting cluster.kubeconfig)"
        raise Forbidden(f"{why}: {file or ''} {error}") from error


def _token(user: Mapping[str, Any], folder: Path) -> Token:
    token = user.get("token", "")
    return (lambda: token) if token or "tokenFile" not in user else FileToken(folder / user["tokenFile"])


def _by_package(settings: ClusterSettings) -> Connection:
    """What the `kubernetes` package makes of the kubeconfig. Raises Forbidden, naming the file and nothing in it."""
    from kubernetes import client, config
    from yaml import YAMLError

    configuration = client.Configuration()
    configuration.retries = False  # a repeated write is decided by the handler, never by the connection
    configuration.connection_pool_maxsize = CONNECTIONS
    try:
        config.load_kube_config(
            settings.kubeconfig or None, settings.context or None, client_configuration=configuration
        )
        api = client.ApiClient(configuration)
        if not urllib3.util.parse_url(configuration.host).host:
            raise ValueError("no server")
    except (config.ConfigException, YAMLError, OSError, *MISSHAPEN) as error:
        why = error if isinstance(error, config.ConfigException) else _wrong(error)
        what = f"no credentials for the cluster (setting cluster.kubeconfig): {_path(settings)}: {why}"
        raise Forbidden(what) from None  # the cause quotes the file, which holds secrets

    def token() -> str:
        headers: dict[str, str] = {}
        api.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)  # asks the plugin again in time
        return headers.get("authorization", "").removeprefix("Bearer ")

    return Connection(configuration.host, api.rest_client.pool_manager, token)


def _wrong(error: Exception) -> str:
    """Why a kubeconfig cannot be used, without what it holds."""
    if isinstance(error, OSError):
        return f"{error.strerror or 'it cannot be read'}; give a file that `kubectl config view` shows"
    mark = getattr(error, "problem_mark", None)
    said = f"it is not YAML (line {mark.line + 1})" if mark else "it has not the form of a kubeconfig"
    return f"{said}; mend it until `kubectl config view` shows it"
