"""The API server and credentials that a kubeconfig or a pod configures; no request is sent."""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import Configuration
from kubernetes.config import incluster_config

from functions.cluster import credentials
from functions.cluster.errors import Forbidden
from functions.cluster.kubeconfig import Kubeconfig, TokenFile
from functions.settings.cluster import ClusterSettings


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


def loaded(file: Path, **settings: Any) -> Configuration:
    return credentials.load(ClusterSettings(kubeconfig=str(file), **settings))


def token(configuration: Configuration) -> str | None:
    """Return the Authorization header that a request would have."""
    return configuration.get_api_key_with_prefix("BearerToken")


def test_a_kubeconfig_gives_address_and_token(tmp_path: Path) -> None:
    found = loaded(kubeconfig(tmp_path, {"token": "abc"}))
    assert found.host == "https://127.0.0.1:6443"
    assert token(found) == "Bearer abc"
    assert found.retries is False, "the client library repeats no call"


@pytest.mark.parametrize("user", [{}, None])
def test_a_user_without_credentials_sends_none(tmp_path: Path, user: Any) -> None:
    assert loaded(kubeconfig(tmp_path, user)).auth_settings() == {}


def test_a_relative_token_file_is_read_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    assert token(loaded(kubeconfig(tmp_path, {"tokenFile": "token"}))) == "Bearer from a file"


def test_a_token_file_is_read_again_after_a_minute(tmp_path: Path) -> None:
    now, file, configuration = [0.0], tmp_path / "token", Configuration()
    configuration.refresh_api_key_hook = TokenFile(file, lambda: now[0])  # type: ignore[assignment]
    file.write_text("first")
    assert token(configuration) == "Bearer first"
    file.write_text("second")
    assert token(configuration) == "Bearer first"
    now[0] = 61
    assert token(configuration) == "Bearer second"


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match=r"no credentials .*nowhere"):
        TokenFile(tmp_path / "nowhere")(Configuration())


@pytest.mark.parametrize(
    ("file", "context"), [("nowhere", ""), ("config", "another")], ids=["no such file", "no such context"]
)
def test_a_missing_kubeconfig_or_context_names_the_setting(tmp_path: Path, file: str, context: str) -> None:
    kubeconfig(tmp_path, {})
    with pytest.raises(Forbidden, match=r"setting cluster.kubeconfig"):
        loaded(tmp_path / file, context=context)


def test_several_kubeconfig_files_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kubeconfig(tmp_path, {"token": "abc"})
    second = tmp_path / "other"
    context = {"cluster": "c", "user": "u", "namespace": "theirs"}
    second.write_text(json.dumps({"contexts": [{"name": "two", "context": context}]}))
    monkeypatch.setenv("KUBECONFIG", f"{first}{os.pathsep}{second}")
    settings = ClusterSettings(context="two")
    assert Kubeconfig(settings).namespace == "theirs"
    assert token(credentials.load(settings)) == "Bearer abc"
    assert Kubeconfig(ClusterSettings()).namespace == ""


NO_CERTIFICATE = "server: 'https://a', certificate-authority-data: 5"
OF_OIDC = """
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {auth-provider: {name: oidc, config: {client-secret: s3cret}}}}]
"""
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
        (f"{OF_OIDC}clusters: [{{name: c, cluster: {{server: 'https://a'}}}}]".encode(), "Expected key id-token"),
        (None, "Is a directory"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_an_invalid_kubeconfig_is_named_without_its_content(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "config"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(Forbidden) as caught:
        loaded(file)
    said = "".join(traceback.format_exception(caught.value))
    assert str(file) in str(caught.value)
    assert why in str(caught.value)
    assert "kubectl config view" in str(caught.value)
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("code", "said"),
    [("raise SystemExit('s3cret')", "gave no credentials"), ("print('s3cret')", "gave no credentials")],
    ids=["the command fails", "the command prints no credentials"],
)
def test_a_command_that_gives_no_credentials_is_named(tmp_path: Path, code: str, said: str) -> None:
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-c", code]}
    with pytest.raises(Forbidden) as caught:
        loaded(kubeconfig(tmp_path, {"exec": command}))
    assert f"{sys.executable} {said}" in str(caught.value)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_certificate_that_cannot_be_read_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Forbidden, match=r"setting cluster.kubeconfig.*nowhere\.crt"):
        loaded(kubeconfig(tmp_path, {}, **{"certificate-authority": "nowhere.crt"}))


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up the environment of a pod without the API server's certificate."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    (tmp_path / "token").write_text("of the pod")
    return tmp_path


@pytest.mark.parametrize(("host", "url"), [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")])
def test_a_pod_uses_its_service_account(pod: Path, monkeypatch: pytest.MonkeyPatch, host: str, url: str) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    (pod / "ca.crt").write_text("a certificate")
    found = credentials.load(ClusterSettings())
    assert (found.host, str(token(found)).lower()) == (url, "bearer of the pod")
    assert (found.verify_ssl, found.ssl_ca_cert) == (True, str(pod / "ca.crt"))


def test_a_configured_kubeconfig_takes_precedence_in_a_pod(pod: Path) -> None:
    assert loaded(kubeconfig(pod, {"token": "abc"})).host == "https://127.0.0.1:6443"


def test_a_pod_without_certificate_is_an_error(pod: Path) -> None:
    with pytest.raises(Forbidden, match=r"the pod's service account: .*certificat"):
        credentials.load(ClusterSettings())
