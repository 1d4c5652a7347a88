"""How requests get to the functions, and who asks.

where         a base URL · a URL with {function} · one URL for each function · what is no URL
through       the environment's proxy, but not to this machine
again         a broken connection, a busy server (with and without Retry-After), a proxy's page: the same key each
              time, a bounded number of times; an answer that was lost makes no second run
who           a known token, another, none (against a function that asks for one) · a Google identity token of
              gcloud, of the machine's metadata server, of nobody · a token never goes unencrypted
exit codes    3 where the same command may succeed later, 1 where it will not
"""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
import urllib3

from functions.clients.api_url import function_url
from functions.clients.credentials import Credentials, credentials
from functions.clients.failing import CommandError, Unavailable, WrongUsage
from functions.clients.submitting import WAITS, Accepted, Refused, submit
from functions.local.dev.server import free_port
from tests.clients.conftest import URL, CommandLine, Functions, served
from tests.support.api import ROOT

DATA = {"name": "r", "namespace": "n", "kind": "CodeRun", "uid": "u", "phase": "Pending"}
CREATED: Any = (201, {"success": True, "message": "the run is accepted", "data": DATA}, {})
BUSY: Any = (503, {"success": False, "message": "busy", "errors": []}, {})
LOST = "lost"
"""The request is served, and its answer is lost."""


@dataclass
class Scripted:
    """A server with its answers in order; what it was asked is kept."""

    answers: list[Any]
    asked: list[Mapping[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def scripted(*answers: Any) -> Iterator[Scripted]:
    found = Scripted(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            found.asked.append({name.lower(): value for name, value in self.headers.items()})
            answer = found.answers.pop(0)
            answer = answer(sent, found.asked[-1]) if callable(answer) else answer
            if answer == LOST:
                self.close_connection = True
                return
            code, body, headers = answer
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:  # plays Google's metadata server
            where, _, query = self.path.partition("?")
            account = json.dumps({"email": "robot@p.example", "scopes": [], "aliases": []})
            text = (identity_token(query) if where.endswith("/identity") else account).encode()
            self.send_response(200)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", "text/html" if where.endswith("/identity") else "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def identity_token(query: str) -> str:
    """An unsigned token for the audience that was asked for."""
    claims = {"aud": parse_qs(query)["audience"][0], "exp": 4_000_000_000}
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({}, claims)]
    return ".".join([*parts, "c2ln"])


@dataclass
class Caller:
    """Submits a code run; waits and lines of progress are kept, not spent."""

    waited: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __call__(self, url: str) -> Accepted:
        who = Credentials({}, "")
        return submit(url, "CodeRun", {"taskId": 1}, "key-1", self.said.append, who, self.waited.append)


@pytest.mark.parametrize(
    ("given", "docs", "code"),
    [
        ("https://a.example", "https://a.example/submit_docs", "https://a.example/submit_code"),
        ("https://a.example/x/", "https://a.example/x/submit_docs", "https://a.example/x/submit_code"),
        ("https://{function}-1.a.run.app", "https://submit-docs-1.a.run.app", "https://submit-code-1.a.run.app"),
        ("https://a.example/{function}?x", "https://a.example/submit_docs?x", "https://a.example/submit_code?x"),
        ("submit_code=http://[::1]:2, submit_docs=http://h:1/a=b", "http://h:1/a=b", "http://[::1]:2"),
    ],
)
def test_a_function_is_found_however_it_is_deployed(given: str, docs: str, code: str) -> None:
    assert (function_url(given, "DocsRun"), function_url(given, "CodeRun")) == (docs, code)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "where are the functions"),
        ("  ", "where are the functions"),
        ("agents.example", "must be an http or https URL"),
        ("https://", "must be an http or https URL"),
        ("https://a.example:port", "not a URL"),
        ("https://me:hunter2@a.example", "must not hold credentials"),
        ("submit_docs=https://a.example", "no URL for submit_code"),
    ],
)
def test_what_is_no_url_is_wrong_usage(given: str | None, why: str) -> None:
    with pytest.raises(WrongUsage, match=why) as refused:
        function_url(given, "CodeRun")
    assert "hunter2" not in str(refused.value)


def test_the_same_key_is_sent_until_the_server_takes_it() -> None:
    gateway = (502, "<html>Bad gateway</html>", {"Content-Type": "text/html"})
    call = Caller()
    with scripted(BUSY, LOST, gateway, CREATED) as server:
        assert call(server.url) == Accepted(**DATA, message="the run is accepted", repeated=False)
    assert [each["idempotency-key"] for each in server.asked] == ["key-1"] * 4
    assert call.waited == list(WAITS)
    assert ["answered 503 (busy)" in call.said[0], "cannot be reached" in call.said[1]] == [True, True]


def test_an_answer_that_was_lost_makes_no_second_run(cli: CommandLine, functions: Functions) -> None:
    def forward(body: bytes, headers: Mapping[str, str]) -> Any:
        sent = {name: headers[name] for name in ("content-type", "idempotency-key")}
        url = functions.urls["submit_code"]
        answer = urllib3.request("POST", url, body=body, headers=sent, retries=False, timeout=30)
        return answer.status, answer.json(), {}

    def forward_and_lose(body: bytes, headers: Mapping[str, str]) -> str:
        assert forward(body, headers)[0] == 201
        return LOST

    command = ("task", "code", "1", "-s", "lost", "--repository-url", URL, "--github-user", "hubot", "-o", "json")
    with scripted(forward_and_lose, forward) as server:
        done = cli(*command, "--api-url", server.url)
    assert (done.code, done.json["repeated"]) == (0, True)
    made = [name for name, each in functions.runs("CodeRun").items() if each["spec"]["service"] == "lost"]
    assert made == [done.json["name"]]


@pytest.mark.parametrize(("asked", "waited"), [("7", [7.0]), ("0", [1.0]), ("Wed, 21 Oct 2026 07:28:00 GMT", [1.0])])
def test_retry_after_is_followed(asked: str, waited: list[float]) -> None:
    call = Caller()
    with scripted((429, {"success": False, "message": "slow down"}, {"Retry-After": asked}), CREATED) as server:
        call(server.url)
    assert call.waited == waited


@pytest.mark.parametrize(
    ("answers", "tries"), [([BUSY] * 9, len(WAITS) + 1), ([(503, BUSY[1], {"Retry-After": "3600"})] * 9, 1)]
)
def test_a_server_that_stays_busy_is_given_up_with_the_key_to_go_on_with(answers: list[Any], tries: int) -> None:
    with scripted(*answers) as server, pytest.raises(Unavailable, match=r"--idempotency-key key-1"):
        Caller()(server.url)
    assert len(server.asked) == tries


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((404, "<html>Not found</html>", {}), "no submit function is there: check --api-url"),
        ((302, "", {"Location": "https://login.example"}), "answered 302; no submit function is there"),
        ((200, "[]", {}), "answered 200; no submit function is there"),
        ((409, {"success": False, "message": "an unfinished run\x1b[2J", "errors": []}, {}), r"409 \(an unfinished"),
        ((400, {"success": False, "message": "m", "errors": [{"field": "f", "message": "w"}, 3]}, {}), "  f: w"),
    ],
)
def test_a_refusal_is_not_repeated_and_says_what_to_do(answer: Any, told: str) -> None:
    with scripted(answer) as server, pytest.raises(Refused, match=told) as refused:
        Caller()(server.url)
    assert len(server.asked) == 1
    assert "\x1b" not in str(refused.value)


def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(cli: CommandLine) -> None:
    command = ("task", "code", "1", "-s", "api", "--repository-url", URL, "--github-user", "hubot")
    with scripted(CREATED) as proxy, scripted(CREATED) as here:
        environ = {"http_proxy": proxy.url}
        assert cli(*command, "--api-url", "http://agents.example.invalid", environ=environ).code == 0
        assert cli(*command, "--api-url", here.url, environ=environ).code == 0
    assert [each["host"] for each in proxy.asked] == ["agents.example.invalid"]
    assert len(here.asked) == 1


def test_a_server_that_is_down_ends_the_command_with_3(cli: CommandLine) -> None:
    api = f"http://127.0.0.1:{free_port()}"
    ended = cli("task", "code", "1", "-s", "api", "--repository-url", URL, "--github-user", "hubot", "--api-url", api)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.count("trying again") == len(WAITS)
    assert "cannot be reached" in ended.err
    assert "--idempotency-key" in ended.err


def test_a_function_that_asks_for_tokens_says_so_and_takes_a_known_one(
    cli: CommandLine, functions: Functions
) -> None:
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
def test_a_token_never_goes_unencrypted(url: str) -> None:
    with pytest.raises(CommandError, match="unencrypted") as refused:
        credentials(url, {"ORCHESTRATOR_TOKEN": "s3cret"})
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("token", ["two words", "line\r\nfeed", "ünicode"])
def test_a_token_that_no_header_can_hold_is_refused(token: str) -> None:
    with pytest.raises(CommandError, match="ORCHESTRATOR_TOKEN must be one word"):
        credentials("https://agents.example", {"ORCHESTRATOR_TOKEN": token})


def test_nothing_is_sent_to_servers_that_are_not_on_the_cloud() -> None:
    assert credentials("https://run.app.example", {"PATH": ""}).headers == {}


@pytest.fixture
def gcloud(tmp_path: Path) -> Callable[[str], Mapping[str, str]]:
    """An environment in which gcloud is this script."""

    def make(script: str) -> Mapping[str, str]:
        program = tmp_path / "bin" / "gcloud"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{program.parent}:{os.environ['PATH']}"}

    return make


CLOUD = "https://submit-code-1.a.run.app"


def test_a_function_on_the_cloud_gets_the_token_of_gclouds_account(
    gcloud: Callable[[str], Mapping[str, str]],
) -> None:
    found = credentials(CLOUD, gcloud('echo "$*" >&2; echo "$1-$2-token"'))
    assert found.headers == {"Authorization": "Bearer auth-print-identity-token-token"}
    assert "roles/run.invoker" in found.remedy


def test_what_gcloud_says_is_told_with_what_to_do(gcloud: Callable[[str], Mapping[str, str]]) -> None:
    with pytest.raises(CommandError, match=r"no active account(.|\n)*gcloud auth login"):
        credentials(
            CLOUD, gcloud('echo "You do not currently have an active account: no active account" >&2; exit 1')
        )


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        (f"{CLOUD}/", CLOUD),
        ("https://eu-p.cloudfunctions.net/submit_code", "https://eu-p.cloudfunctions.net/submit_code"),
    ],
)
def test_without_gcloud_the_machines_own_account_is_asked(url: str, audience: str) -> None:
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


def test_a_key_file_that_is_not_there_is_named_with_its_variable(cli: CommandLine) -> None:
    command = ("task", "code", "1", "-s", "api", "--repository-url", URL, "--github-user", "hubot")
    ended = cli(*command, "--api-url", CLOUD, environ={"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"})
    assert (ended.code, ended.out) == (1, "")
    assert "GOOGLE_APPLICATION_CREDENTIALS path is either not found" in ended.err
