"""How the API server is found, and who asks.

| configured                                     | comes to                                                  |
|------------------------------------------------|-----------------------------------------------------------|
| kubeconfig with address, certificate, token    | read here; the `kubernetes` package is not imported       |
| token in a file                                | read again after a minute; missing: says so               |
| a server below a path (a gateway)              | the path stands before that of each request               |
| anything else (a command, client certificates) | left to the `kubernetes` package                          |
| no kubeconfig, an unknown context              | refused, naming the setting                               |
| what is no kubeconfig                          | refused, naming the file and nothing it holds             |
| nothing, in a pod                              | the service account's token and certificate               |
| a proxy in the environment                     | left to the `kubernetes` package                          |
| identity google                                | the token of whom Google Cloud takes us for               |
"""

import json
import shutil
import ssl
import subprocess
import sys
import traceback
from collections.abc import Iterator
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
from tests.support.google_cloud import GoogleCloud, error, serving


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
    assert connected(kubeconfig(tmp_path, {"tokenFile": "token"})).headers() == {"Authorization": "Bearer from a file"}


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


NO_CERTIFICATE = "server: 'https://a', certificate-authority-data: 5"
SERVED = """
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: s3cret}}]
"""


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a: [s3cret\nb: }", "not YAML (line 2)"),
        (b"a: *s3cret", "not YAML (line 1)"),
        (b"\xff\xfe\x00s3cret", "not the form"),
        (b"s3cret", "not the form"),
        (b"clusters: 5", "not the form"),
        (b"[" * 5000, "not the form"),
        (f"{SERVED}clusters: [{{name: c, cluster: s3cret}}]".encode(), "not the form"),
        (f"{SERVED}clusters: [{{name: c, cluster: {{server: [s3cret]}}}}]".encode(), "not the form"),
        (f"{SERVED}clusters: [{{name: c, cluster: {{{NO_CERTIFICATE}}}}}]".encode(), "not the form"),
        (None, "Is a directory"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_what_is_no_kubeconfig_is_named_and_nothing_in_it(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "config"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(Forbidden) as caught:
        connected(file)
    said = "".join(traceback.format_exception(caught.value))
    assert str(file) in str(caught.value)
    assert why in str(caught.value)
    assert "kubectl config view" in str(caught.value)
    assert "s3cret" not in said


def test_a_certificate_that_cannot_be_read_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match=r"setting cluster.kubeconfig"):
        connected(kubeconfig(tmp_path, {}, **{"certificate-authority": "nowhere.crt"}))


@pytest.mark.parametrize(("host", "url"), [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")])
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


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    with serving(tmp_path) as found:
        for name, text in found.environ.items():
            if name not in PROXIES:
                monkeypatch.setenv(name, text)
        yield found


def test_a_function_on_google_cloud_asks_as_its_service_account(tmp_path: Path, cloud: GoogleCloud) -> None:
    found = connected(kubeconfig(tmp_path, {}), identity="google")
    for _ in range(2):
        assert found.headers() == {"Authorization": "Bearer secret-1"}
    assert cloud.given == ["secret-1"], "not asked for again"


def test_a_metadata_server_without_a_token_is_tried_again_later(cloud: GoogleCloud) -> None:
    token, cloud.tokens = GoogleToken(), [error(404)]
    with pytest.raises(Unavailable, match=r"setting cluster.identity"):
        token()
    assert token() == "secret-1"
