"""`orchestrator github setup`: from the local page and GitHub's form to the files with the App's secrets.

The test acts as the browser; GitHub is a fake over HTTP on loopback, configured as a GitHub Enterprise Server.
"""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from functions.clients.github_app.registration import Registration
from functions.github import app_manifest
from tests.support.http_servers import Handler, listening
from tests.support.installed import ROOT

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"
CREATED = {
    "id": 77,
    "client_id": "Iv1.x",
    "slug": "acme-agents",
    "html_url": "https://github.test/apps/acme-agents",
    "pem": PEM,
    "webhook_secret": "hush",
    "client_secret": "never kept",
}


class FakeGithub(Handler):
    """GitHub's conversion of a manifest code."""

    def asked(self) -> None:
        self.received()
        known = self.path == "/api/v3/app-manifests/the-code/conversions" and self.command == "POST"
        body = json.dumps(CREATED if known else {"message": "Not Found"}).encode()
        self.answer(201 if known else 404, {"Content-Type": "application/json"}, body)


@pytest.fixture
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeGithub)
    with listening(server):
        yield f"http://127.0.0.1:{server.server_port}"


class Setup:
    """The command as a process, and the form of its page."""

    def __init__(self, host: str, directory: Path) -> None:
        options = ["--name", "acme-agents", "--organization", "acme", "--host", host, "--directory", str(directory)]
        options += ["--webhook-url", "https://agents.example/github", "--no-browser"]
        command = [sys.executable, "-m", "functions.clients", "github", "setup", *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True)
        assert self.process.stderr
        line = self.process.stderr.readline()
        found = re.search(r"open (http://127\.0\.0\.1:\d+/)", line)
        assert found, line + self.process.stderr.read()
        self.url = found[1]

    def get(self, path: str = "", **headers: str) -> urllib3.BaseHTTPResponse:
        return urllib3.request("GET", self.url + path, headers=headers, retries=False, timeout=30)

    def form(self) -> tuple[str, Any]:
        """Return the form's action, and the manifest."""
        page = self.get().data.decode()
        (action,) = re.findall(r'action="([^"]+)"', page)
        (value,) = re.findall(r'value="([^"]+)"', page)
        return unescape(action), json.loads(unescape(value))

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def setup(host: str, tmp_path: Path) -> Iterator[Setup]:
    found = Setup(host, tmp_path / "app")
    yield found
    found.process.kill()
    found.process.wait(30)


def test_the_manifest_is_posted_to_github_and_secrets_are_saved(setup: Setup, host: str, tmp_path: Path) -> None:
    action, manifest = setup.form()
    assert action.startswith(f"{host}/organizations/acme/settings/apps/new?state=")
    assert manifest["default_permissions"] == dict(app_manifest.PERMISSIONS)
    assert manifest["default_events"] == list(app_manifest.EVENTS)
    assert manifest["hook_attributes"] == {"url": "https://agents.example/github", "active": True}
    assert (manifest["public"], manifest["redirect_url"]) == (False, f"{setup.url}created")
    (state,) = parse_qs(urlsplit(action).query)["state"]
    assert setup.get(f"created?code=the-code&state={state}").status == 200
    code, out, err = setup.end()
    assert code == 0, err
    assert "https://github.test/apps/acme-agents/installations/new" in out
    files = {path.name: path.read_text() for path in (tmp_path / "app").iterdir()}
    assert files == {"app-id": "77", "client-id": "Iv1.x", "private-key": PEM, "webhook-secrets": '["hush"]'}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "app").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "app").stat().st_mode) == 0o700
    assert not [text for text in ("hush", "MIIE", "never kept") if text in out + err]


def test_a_redirect_with_a_wrong_state_is_refused(setup: Setup, tmp_path: Path) -> None:
    assert setup.get("created?code=the-code&state=guessed").status == 400
    assert setup.get("created?code=the-code").status == 400
    assert setup.get("", Host="rebound.example").status == 403
    assert setup.process.poll() is None
    assert list((tmp_path / "app").iterdir()) == []


def test_an_unknown_code_ends_the_command_with_an_error(setup: Setup) -> None:
    (state,) = parse_qs(urlsplit(setup.form()[0]).query)["state"]
    setup.get(f"created?code=another&state={state}")
    code, _, err = setup.end()
    assert code == 1
    assert "GitHub did not give the App's keys: 404" in err


def test_existing_secret_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "private-key").write_text("kept")
    command = [
        sys.executable,
        "-m",
        "functions.clients",
        "github",
        "setup",
        "--name",
        "x",
        "--directory",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=dict(os.environ))
    assert done.returncode == 1
    assert f"{tmp_path} has private-key already" in done.stderr


def test_github_com_has_another_host_for_its_api() -> None:
    registration = Registration("https://github.com", "", "s")
    assert registration.form_url == "https://github.com/settings/apps/new?state=s"
    assert registration.conversion_url("a/b") == "https://api.github.com/app-manifests/a%2Fb/conversions"
    assert "hook_attributes" in app_manifest.manifest("n", "https://h.example", "", "http://127.0.0.1/created")
