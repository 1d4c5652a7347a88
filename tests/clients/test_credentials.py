"""The credentials that a client sends to a function.

function         on this machine, with bearer tokens, on Google Cloud, elsewhere
bearer token     known, wrong, missing, invalid in a header; never sent unencrypted, never in an error
Google's token   of gcloud's account, of the machine's account (metadata server), none; a missing key file
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.clients.credentials import credentials
from functions.clients.errors import CommandError
from tests.clients.canned_server import identity_token, scripted
from tests.clients.conftest import URL, CommandLine, Functions, served
from tests.support.api import ROOT


def test_a_function_with_bearer_auth_accepts_only_a_known_token(cli: CommandLine, functions: Functions) -> None:
    tokens = {"ORCHESTRATOR_AUTH__MODE": "bearer", "ORCHESTRATOR_AUTH__TOKENS": '{"ci": "s3cret-token"}'}
    command = ("task", "code", "1", "-s", "tokens", "--repository-url", URL, "--github-user", "hubot", "-o", "json")

    def call(url: str, token: str) -> Any:
        return cli(*command, environ={"ORCHESTRATOR_API_URL": url, "ORCHESTRATOR_TOKEN": token})

    with served(functions.child("submit_code", **tokens)) as urls:
        url = urls["submit_code"]
        none, wrong, right = call(url, ""), call(url, "0ther-token"), call(url, "s3cret-token")
    assert (none.code, wrong.code, right.code) == (1, 1, 0)
    assert "answered 401" in none.err
    assert "set ORCHESTRATOR_TOKEN" in none.err
    assert "answered 403" in wrong.err
    assert "the token in ORCHESTRATOR_TOKEN was not accepted" in wrong.err
    assert "0ther-token" not in wrong.err
    assert functions.runs("CodeRun")[right.json["name"]]


@pytest.mark.parametrize("url", ["http://agents.example/submit_code", "http://10.0.0.7:8080"])
def test_a_token_is_not_sent_unencrypted(url: str) -> None:
    with pytest.raises(CommandError, match="unencrypted") as refused:
        credentials(url, {"ORCHESTRATOR_TOKEN": "s3cret"})
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("token", ["two words", "line\r\nfeed", "ünicode"])
def test_a_token_that_is_invalid_in_a_header_is_refused(token: str) -> None:
    with pytest.raises(CommandError, match="ORCHESTRATOR_TOKEN must be one word"):
        credentials("https://agents.example", {"ORCHESTRATOR_TOKEN": token})


def test_no_credentials_are_sent_to_servers_outside_google_cloud() -> None:
    assert credentials("https://run.app.example", {"PATH": ""}).headers == {}


@pytest.fixture
def gcloud(tmp_path: Path) -> Callable[[str], Mapping[str, str]]:
    """Return a function that makes an environment in which gcloud is a script."""

    def make(script: str) -> Mapping[str, str]:
        program = tmp_path / "bin" / "gcloud"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{program.parent}:{os.environ['PATH']}"}

    return make


CLOUD = "https://submit-code-1.a.run.app"


def test_a_function_on_google_cloud_gets_gclouds_identity_token(
    gcloud: Callable[[str], Mapping[str, str]],
) -> None:
    found = credentials(CLOUD, gcloud('echo "$*" >&2; echo "$1-$2-token"'))
    assert found.headers == {"Authorization": "Bearer auth-print-identity-token-token"}
    assert "roles/run.invoker" in found.remedy


def test_errors_of_gcloud_are_shown_with_a_remedy(gcloud: Callable[[str], Mapping[str, str]]) -> None:
    with pytest.raises(CommandError, match=r"no active account(.|\n)*gcloud auth login"):
        credentials(CLOUD, gcloud('echo "You do not currently have an active account: no active account" >&2; exit 1'))


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        (f"{CLOUD}/", CLOUD),
        ("https://eu-p.cloudfunctions.net/submit_code", "https://eu-p.cloudfunctions.net/submit_code"),
    ],
)
def test_without_gcloud_the_metadata_server_gives_the_token(url: str, audience: str) -> None:
    with scripted() as server:
        place = server.url.removeprefix("http://")
        environ = {"GCE_METADATA_HOST": place, "GCE_METADATA_IP": place, "PATH": "", "PYTHONPATH": str(ROOT)}
        program = (  # google-auth reads its environment once per process
            "import os, sys; from functions.clients.credentials import credentials; "
            "print(credentials(sys.argv[1], os.environ).headers['Authorization'])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, url],
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.stdout.strip() == f"Bearer {identity_token(urlencode({'audience': audience}))}", done.stderr


def test_a_missing_key_file_is_named_with_its_variable(cli: CommandLine) -> None:
    command = ("task", "code", "1", "-s", "api", "--repository-url", URL, "--github-user", "hubot")
    ended = cli(*command, "--api-url", CLOUD, environ={"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"})
    assert (ended.code, ended.out) == (1, "")
    assert "GOOGLE_APPLICATION_CREDENTIALS path is either not found" in ended.err
