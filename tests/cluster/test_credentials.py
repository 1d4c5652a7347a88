"""Connections to an API server: credentials, proxies and TLS, against a server on loopback."""

import datetime
import json
import ssl
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.config import incluster_config

from functions.cluster.errors import ClusterError, Forbidden, Unavailable
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.cluster.transport import Request
from functions.settings.cluster import ClusterSettings
from tests.support import google_cloud, played_api
from tests.support.google_cloud import GoogleCloud, error
from tests.support.google_files import federation_file, key_file, user_file
from tests.support.http_servers import listening
from tests.support.played_api import NAME, PlayedApi

GOOGLE_HOSTS = ("oauth2.googleapis.com", "cloudresourcemanager.googleapis.com")
"""Hosts on which google-auth redeems a user's refresh token and looks up the project of a federation file."""
PODS = Request("GET", "/api/v1/pods", {})
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the proxies of the machine that runs the tests."""
    for name in (*PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api() -> Iterator[PlayedApi]:
    with played_api.serving() as found:
        yield found


def transport(folder: Path, server: str, user: Any, **options: Any) -> KubernetesTransport:
    """Return a transport with a kubeconfig of that user.

    `options` are settings, or (names with a dash) fields of the kubeconfig's cluster.
    """
    cluster = {"server": server} | {name: options.pop(name) for name in list(options) if "-" in name}
    config = {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(config))
    return KubernetesTransport(ClusterSettings(kubeconfig=str(file), **options))


def test_path_of_the_server_url_is_kept(tmp_path: Path, api: PlayedApi) -> None:
    assert transport(tmp_path, f"{api.url}/k8s/c-1/", {"token": "abc"}).send(PODS) == {}
    assert (api.paths, api.authorizations) == (["/k8s/c-1/api/v1/pods"], ["Bearer abc"])


@pytest.mark.parametrize(("lives", "tokens"), [(3600, ["made-1"] * 2), (-60, ["made-2", "made-3"])])
def test_exec_plugin_runs_again_after_its_token_expired(
    tmp_path: Path, api: PlayedApi, lives: int, tokens: list[str]
) -> None:
    expires = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=lives)).isoformat()
    plugin = tmp_path / "plugin.py"
    plugin.write_text(f"""
import json, pathlib
count = pathlib.Path(__file__).with_name("count")
count.write_text(count.read_text() + "x" if count.exists() else "x")
status = {{"token": f"made-{{len(count.read_text())}}", "expirationTimestamp": {expires!r}}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}))
""")
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": [str(plugin)]}
    asking = transport(tmp_path, api.url, {"exec": command})
    asking.send(PODS)
    asking.send(PODS)
    assert api.authorizations == [f"Bearer {each}" for each in tokens]


def test_client_certificate_is_presented(tmp_path: Path) -> None:
    with played_api.serving(tmp_path) as api:
        file = str(tmp_path / "certificate.pem")
        user = {"client-certificate": file, "client-key": file}
        trust = {"certificate-authority": file, "tls-server-name": NAME}
        assert transport(tmp_path, api.url, user, **trust).send(PODS) == {}
        assert (api.client_names, api.authorizations) == (["of a test"], [None])


def test_a_refused_connection_names_the_address_where_nothing_listens(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r": nothing listens at 127\.0\.0\.1:1; is `make dev` running\?$"):
        transport(tmp_path, "http://127.0.0.1:1", {}).send(PODS)


@pytest.mark.parametrize("lacks", ["client-certificate", "certificate-authority"])
def test_failed_tls_handshake_is_reported(tmp_path: Path, lacks: str) -> None:
    with played_api.serving(tmp_path) as api:
        file = str(tmp_path / "certificate.pem")
        user = {} if lacks == "client-certificate" else {"client-certificate": file, "client-key": file}
        trust = {"certificate-authority": file} if lacks == "client-certificate" else {}
        asking = transport(tmp_path, api.url, user, **{"tls-server-name": NAME}, **trust)
        with pytest.raises(Unavailable, match=r"did not answer GET /api/v1/pods"):
            asking.send(PODS)
        assert api.paths == []


@pytest.mark.parametrize("configured", ["HTTP_PROXY", "proxy-url"])
def test_request_goes_through_the_configured_proxy(
    tmp_path: Path, api: PlayedApi, monkeypatch: pytest.MonkeyPatch, configured: str
) -> None:
    cluster = {configured: api.url} if configured == "proxy-url" else {}
    if not cluster:
        monkeypatch.setenv(configured, api.url)
    assert transport(tmp_path, f"http://{NAME}:6443", {"token": "abc"}, **cluster).send(PODS) == {}
    assert (api.paths, api.authorizations) == ([f"http://{NAME}:6443/api/v1/pods"], ["Bearer abc"])


def test_tls_goes_through_the_proxy_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with played_api.serving(tmp_path) as api:
        port, seen = int(api.url.rpartition(":")[2]), GoogleCloud()
        proxy = google_cloud.Proxy(seen, ("127.0.0.1", port))
        with listening(proxy):
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
            file = str(tmp_path / "certificate.pem")
            user = {"client-certificate": file, "client-key": file}
            asking = transport(tmp_path, f"https://{NAME}:6443", user, **{"certificate-authority": file})
            assert asking.send(PODS) == {}
        assert (seen.tunnels, api.client_names) == ([f"{NAME}:6443 None"], ["of a test"])


@pytest.mark.parametrize("excluded", ["127.0.0.1", "10.0.0.0/8,127.0.0.0/8", "*"])
def test_server_in_no_proxy_is_reached_directly(
    tmp_path: Path, api: PlayedApi, monkeypatch: pytest.MonkeyPatch, excluded: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", excluded)
    assert transport(tmp_path, api.url, {}).send(PODS) == {}
    assert api.paths == ["/api/v1/pods"]


def test_the_token_of_a_pod_is_read_again_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubelet renews the token long before it expires (Managing service accounts: Bound tokens)."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "localhost")
    for name, file in (("SERVICE_TOKEN_FILENAME", "token"), ("SERVICE_CERT_FILENAME", "certificate.pem")):
        monkeypatch.setattr(incluster_config, name, str(tmp_path / file))
    clock = Clock()
    monkeypatch.setattr(incluster_config, "datetime", clock)
    with played_api.serving(tmp_path, ssl.CERT_OPTIONAL) as api:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", api.url.rpartition(":")[2])
        asking = KubernetesTransport(ClusterSettings())
        for written, passed in (("first", 0), ("second", 30), ("second", 31)):
            (tmp_path / "token").write_text(written)
            clock.time += datetime.timedelta(seconds=passed)
            asking.send(PODS)
        assert [str(each).lower() for each in api.authorizations] == ["bearer first", "bearer first", "bearer second"]


class Clock:
    """The module `datetime` as the kubernetes package uses it, with a clock that the test moves."""

    timedelta = datetime.timedelta

    def __init__(self) -> None:
        self.time = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
        self.datetime = self

    def now(self) -> datetime.datetime:
        return self.time


def test_token_with_a_line_break_is_rejected_and_not_shown(tmp_path: Path, api: PlayedApi) -> None:
    secret = "".join(("s3", "cret"))  # not in the source lines of the traceback
    asking = transport(tmp_path, api.url, {"token": f"{secret}\nX-Other: 1"})
    with pytest.raises(Forbidden, match=r"setting cluster.kubeconfig.*bearer token") as caught:
        asking.send(PODS)
    assert secret not in "".join(traceback.format_exception(caught.value))
    assert api.paths == []


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    """Simulate Google Cloud on loopback; its hosts are reached through a proxy."""
    with google_cloud.serving(tmp_path, GOOGLE_HOSTS) as found:
        for name, text in found.environ.items():
            monkeypatch.setenv(name, text)
        yield found


@pytest.mark.parametrize("make", [key_file, federation_file, user_file])
def test_google_credentials_file_gives_the_access_token(
    tmp_path: Path, api: PlayedApi, cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(make(tmp_path, cloud)))
    asking = transport(tmp_path, api.url, {}, identity="google")
    asking.send(PODS)
    asking.send(PODS)
    assert api.authorizations == ["Bearer secret-1"] * 2
    assert cloud.given == ["secret-1"], "asked for once"


def test_google_token_is_renewed_before_it_expires(
    tmp_path: Path, api: PlayedApi, cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, cloud)))
    cloud.token_seconds = 60.0
    asking = transport(tmp_path, api.url, {}, identity="google")
    asking.send(PODS)
    asking.send(PODS)
    assert api.authorizations == ["Bearer secret-1", "Bearer secret-2"]


def test_google_token_is_fetched_again_after_a_refusal(
    tmp_path: Path, api: PlayedApi, cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, cloud)))
    asking, cloud.tokens = transport(tmp_path, api.url, {}, identity="google"), [error(401)]
    with pytest.raises(Unavailable, match=r"setting cluster.identity"):
        asking.send(PODS)
    assert asking.send(PODS) == {}
    assert api.authorizations == ["Bearer secret-1"]


@pytest.mark.parametrize("content", [None, "{}"], ids=["missing", "without credentials"])
def test_a_file_without_google_credentials_is_named(
    tmp_path: Path, api: PlayedApi, cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "credentials.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    if content:
        file.write_text(content)
    with pytest.raises(ClusterError, match=r"no credentials for Google Cloud: .*credentials\.json"):
        transport(tmp_path, api.url, {}, identity="google").send(PODS)


def test_metadata_server_gives_the_access_token_on_google_cloud(
    tmp_path: Path, api: PlayedApi, cloud: GoogleCloud
) -> None:
    """Use another process: google-auth reads the metadata server's address when it is imported."""
    transport(tmp_path, api.url, {}, identity="google")
    code = (
        "from tests.cluster.test_credentials import PODS, ClusterSettings, KubernetesTransport\n"
        f"settings = ClusterSettings(kubeconfig={str(tmp_path / 'kubeconfig')!r}, identity='google')\n"
        "asking = KubernetesTransport(settings)\n"
        "assert [asking.send(PODS), asking.send(PODS)] == [{}, {}]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert api.authorizations == ["Bearer secret-1"] * 2
    assert cloud.given == ["secret-1"], "asked for once"
