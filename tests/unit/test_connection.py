"""How the API server is found, and who asks.

| configured                                     | comes to                                                  |
|------------------------------------------------|-----------------------------------------------------------|
| kubeconfig with address, certificate, token    | read here; the `kubernetes` package is not imported       |
| token in a file                                | read again after a minute; missing: says so               |
| a server below a path (a gateway)              | the path stands before that of each request               |
| anything else (a command, client certificates) | left to the `kubernetes` package                          |
| no kubeconfig, an unknown context              | refused, naming the setting                               |
| nothing, in a pod                              | the service account's token and certificate               |
| a proxy in the environment                     | left to the `kubernetes` package                          |
| identity google                                | the metadata server's token, kept until it nears its end  |
"""

import json
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import certifi
import pytest
import urllib3

from functions.cluster.connection import PROXIES, connect
from functions.cluster.errors import Forbidden, Unavailable
from functions.cluster.tokens import FileToken, GoogleToken
from functions.settings.cluster import ClusterSettings
from tests.support.api import ROOT


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


def kubeconfig(folder: Path, user: Any, **cluster: Any) -> Path:
    file = folder / "config"
    config = {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443/", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    file.write_text(json.dumps(config))
    return file


def connected(file: Path, **settings: Any) -> Any:
    return connect(ClusterSettings(kubeconfig=str(file), **settings))


def test_an_address_and_a_token_are_all_it_takes(tmp_path: Path) -> None:
    found = connected(kubeconfig(tmp_path, {"token": "abc"}))
    assert found.host == "https://127.0.0.1:6443"
    assert found.headers() == {"Authorization": "Bearer abc"}


@pytest.mark.parametrize(
    ("server", "before"), [("https://127.0.0.1:6443/", ""), ("https://gate.test/k8s/c-1/", "/k8s/c-1")]
)
def test_requests_go_to_the_server_s_own_connections(tmp_path: Path, server: str, before: str) -> None:
    found = connected(kubeconfig(tmp_path, {}, server=server))
    pool, root = found.route
    assert (pool.host, root) == (urllib3.util.parse_url(server).host, before)
    assert found.route[0] is pool


@pytest.mark.parametrize("user", [{}, None])
def test_without_a_user_nobody_in_particular_asks(tmp_path: Path, user: Any) -> None:
    assert connected(kubeconfig(tmp_path, user)).headers() == {}


def test_the_ordinary_case_does_not_load_the_package(tmp_path: Path) -> None:
    """It takes longer than all else that a function does until its first answer."""
    file = kubeconfig(tmp_path, {"token": "abc"})
    code = (
        "import sys; from functions.cluster.connection import PROXIES, connect\n"
        "from functions.settings.cluster import ClusterSettings\n"
        f"connect(ClusterSettings(kubeconfig={str(file)!r}))\n"
        "assert 'kubernetes' not in sys.modules and 'google.auth' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_a_token_file_lies_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    assert connected(kubeconfig(tmp_path, {"tokenFile": "token"})).headers() == {
        "Authorization": "Bearer from a file"
    }


def test_a_token_file_is_read_again_after_a_minute(tmp_path: Path) -> None:
    now, file = [0.0], tmp_path / "token"
    token = FileToken(file, lambda: now[0])
    file.write_text("first")
    assert token() == "first"
    file.write_text("second")
    assert token() == "first"
    now[0] = 61
    assert token() == "second"


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match=r"no credentials .*nowhere"):
        FileToken(tmp_path / "nowhere")()


def test_what_else_a_kubeconfig_may_hold_is_left_to_the_package(tmp_path: Path) -> None:
    reply = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "made"}}
    command = {
        "apiVersion": reply["apiVersion"],
        "interactiveMode": "Never",
        "command": sys.executable,
        "args": ["-c", f"print({json.dumps(reply)!r})"],
    }
    assert connected(kubeconfig(tmp_path, {"exec": command})).headers() == {"Authorization": "Bearer made"}


@pytest.mark.parametrize(
    ("file", "context"), [("nowhere", ""), ("config", "another")], ids=["no such file", "no such context"]
)
def test_a_kubeconfig_that_does_not_serve_names_the_setting(tmp_path: Path, file: str, context: str) -> None:
    kubeconfig(tmp_path, {})
    with pytest.raises(Forbidden, match=r"setting cluster.kubeconfig"):
        connected(tmp_path / file, context=context)


def test_a_certificate_that_cannot_be_read_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match=r"setting cluster.kubeconfig"):
        connected(kubeconfig(tmp_path, {}, **{"certificate-authority": "nowhere.crt"}))


@pytest.mark.parametrize(
    ("host", "url"), [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_in_a_pod_its_service_account_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, url: str
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (tmp_path / "token").write_text("of the pod\n")
    shutil.copy(ssl.get_default_verify_paths().cafile or certifi.where(), tmp_path / "ca.crt")
    found = connect(ClusterSettings(), tmp_path)
    assert (found.host, found.headers()) == (url, {"Authorization": "Bearer of the pod"})
    assert found.pool.connection_pool_kw["ssl_context"].verify_mode == ssl.CERT_REQUIRED


def test_a_pod_without_its_certificate_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    (tmp_path / "token").write_text("of the pod")
    with pytest.raises(Forbidden, match=r"certificate cannot be read.*ca\.crt"):
        connect(ClusterSettings(), tmp_path)


def test_a_proxy_is_left_to_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    found = connected(kubeconfig(tmp_path, {"token": "abc"}))
    assert isinstance(found.pool, urllib3.ProxyManager)
    assert found.route == (found.pool, "https://127.0.0.1:6443")
    assert found.headers() == {"Authorization": "Bearer abc"}


class Metadata(BaseHTTPRequestHandler):
    """Google Cloud's metadata server, for one service account."""

    answers: list[tuple[int, dict[str, Any]]]

    def do_GET(self) -> None:
        right = self.headers["Metadata-Flavor"] == "Google" and self.path.endswith("/service-accounts/default/token")
        code, body = self.answers.pop(0) if right else (403, {})
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    Metadata.answers = []
    server = HTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_port}")
    yield Metadata.answers
    server.shutdown()
    server.server_close()


def test_a_function_on_google_cloud_asks_as_its_service_account(
    tmp_path: Path, metadata: list[tuple[int, dict[str, Any]]]
) -> None:
    metadata.append((200, {"access_token": "of the account", "expires_in": 3599, "token_type": "Bearer"}))
    found = connected(kubeconfig(tmp_path, {}), identity="google")
    assert found.headers() == {"Authorization": "Bearer of the account"}
    assert found.headers() == {"Authorization": "Bearer of the account"}, "not asked for again"


def test_a_google_token_is_replaced_before_its_end(metadata: list[tuple[int, dict[str, Any]]]) -> None:
    now = [0.0]
    token = GoogleToken(lambda: now[0])
    metadata += [(200, {"access_token": f"token {number}", "expires_in": 300}) for number in (1, 2)]
    assert token() == "token 1"
    now[0] = 239
    assert token() == "token 1"
    now[0] = 241
    assert token() == "token 2"


def test_a_metadata_server_without_a_token_is_tried_again_later(metadata: list[tuple[int, dict[str, Any]]]) -> None:
    metadata.append((404, {"error": "no service account"}))
    with pytest.raises(Unavailable, match=r"setting cluster.identity"):
        GoogleToken()()
