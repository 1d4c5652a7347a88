"""Delivery of requests to the functions.

URL           a base URL, a URL with {function}, one URL for each function; invalid URLs
connection    through the environment's proxy, except to this machine; an unusable proxy; no TLS
retries       a broken connection, a busy server (with and without Retry-After), a proxy's page: the same key each
              time, a bounded number of times; a lost answer creates no second run
exit codes    3 if the same command may succeed later, otherwise 1
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3

from functions.clients.api_url import function_url
from functions.clients.credentials import Credentials
from functions.clients.errors import CommandError, Unavailable, WrongUsage
from functions.clients.http import NoAnswer, post
from functions.clients.submit import WAITS, Accepted, Key, Refused, submit
from functions.local.dev.server import free_port
from tests.clients.canned_server import LOST, scripted
from tests.clients.conftest import URL, CommandLine, Functions

DATA = {"name": "r", "namespace": "n", "kind": "CodeRun", "uid": "u", "phase": "Pending"}
CREATED: Any = (201, {"success": True, "message": "the run is accepted", "data": DATA}, {})
BUSY: Any = (503, {"success": False, "message": "busy", "errors": []}, {})


@dataclass
class Caller:
    """Submits a code run; records waits instead of sleeping, and progress messages."""

    waited: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __call__(self, url: str) -> Accepted:
        who = Credentials({}, "")
        return submit(url, "CodeRun", {"taskId": 1}, Key("key-1"), self.said.append, who, self.waited.append)


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
def test_the_url_of_a_function_follows_from_the_api_url(given: str, docs: str, code: str) -> None:
    assert (function_url(given, "DocsRun"), function_url(given, "CodeRun")) == (docs, code)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "no URL of the submit functions"),
        ("  ", "no URL of the submit functions"),
        ("agents.example", "must be an http or https URL"),
        ("https://", "must be an http or https URL"),
        ("https://a.example:port", "not a URL"),
        ("https://a.example/\N{LATIN SMALL LETTER U WITH DIAERESIS}", "must be percent-encoded, such as %20"),
        ("https://a.example/a b", "must be percent-encoded, such as %20"),
        ("https://me:hunter2@a.example", "must not hold credentials"),
        ("submit_docs=https://a.example", "no URL for submit_code"),
    ],
)
def test_an_invalid_api_url_is_wrong_usage(given: str | None, why: str) -> None:
    with pytest.raises(WrongUsage, match=why) as refused:
        function_url(given, "CodeRun")
    assert "hunter2" not in str(refused.value)


def test_a_request_is_repeated_with_the_same_key_until_accepted() -> None:
    gateway = (502, "<html>Bad gateway</html>", {"Content-Type": "text/html"})
    call = Caller()
    with scripted(BUSY, LOST, gateway, CREATED) as server:
        assert call(server.url) == Accepted(**DATA, message="the run is accepted", repeated=False)
    assert [each["idempotency-key"] for each in server.asked] == ["key-1"] * 4
    assert call.waited == list(WAITS)
    assert ["answered 503 (busy)" in call.said[0], "cannot be reached" in call.said[1]] == [True, True]


def test_a_lost_answer_creates_no_second_run(cli: CommandLine, functions: Functions) -> None:
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
def test_a_busy_server_is_given_up_with_the_key_to_repeat_with(answers: list[Any], tries: int) -> None:
    with scripted(*answers) as server, pytest.raises(Unavailable, match=r"--idempotency-key key-1"):
        Caller()(server.url)
    assert len(server.asked) == tries


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((404, "<html>Not found</html>", {}), "the URL is not a submit function: check --api-url"),
        ((302, "", {"Location": "https://login.example"}), "answered 302; the URL is not a submit function"),
        ((200, "[]", {}), "answered 200; the URL is not a submit function"),
        ((409, {"success": False, "message": "an unfinished run\x1b[2J", "errors": []}, {}), r"409 \(an unfinished"),
        ((400, {"success": False, "message": "m", "errors": [{"field": "f", "message": "w"}, 3]}, {}), "  f: w"),
    ],
)
def test_a_refused_request_is_not_repeated_and_says_what_to_do(answer: Any, message: str) -> None:
    with scripted(answer) as server, pytest.raises(Refused, match=message) as refused:
        Caller()(server.url)
    assert len(server.asked) == 1
    assert "\x1b" not in str(refused.value)


def test_a_proxy_of_the_environment_is_used_except_for_this_machine(cli: CommandLine) -> None:
    command = ("task", "code", "1", "-s", "api", "--repository-url", URL, "--github-user", "hubot")
    with scripted(CREATED) as proxy, scripted(CREATED) as here:
        environ = {"http_proxy": proxy.url}
        assert cli(*command, "--api-url", "http://agents.example.invalid", environ=environ).code == 0
        assert cli(*command, "--api-url", here.url, environ=environ).code == 0
    assert [each["host"] for each in proxy.asked] == ["agents.example.invalid"]
    assert len(here.asked) == 1


def test_an_unusable_answer_is_shown_without_control_characters() -> None:
    call = Caller()
    with scripted(b"\x1b[2J\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", CREATED) as server:
        call(server.url)
    assert ("[2J" in call.said[0], "\x1b" in call.said[0]) == (True, False)
    assert "IncompleteRead" in call.said[1]


def test_an_unusable_proxy_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(Unavailable, match="SOCKS"):
        Caller()("http://agents.example.invalid")


def test_a_proxy_that_refuses_the_connection_is_not_taken_for_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{free_port()}")
    answer = post("https://agents.example.invalid", b"{}", {})
    assert isinstance(answer, NoAnswer)
    assert "cannot be reached through the proxy that HTTPS_PROXY or HTTP_PROXY names: " in answer.why
    assert "nothing listens" not in answer.why
    assert not answer.sent


def test_a_failed_tls_connection_is_not_retried() -> None:
    call = Caller()
    with scripted(CREATED) as server, pytest.raises(CommandError, match="no secure connection"):
        call(server.url.replace("http:", "https:"))
    assert (server.asked, call.waited) == ([], [])


def test_the_command_exits_with_3_if_the_server_is_down(cli: CommandLine) -> None:
    api = f"http://127.0.0.1:{free_port()}"
    ended = cli("task", "code", "1", "-s", "api", "--repository-url", URL, "--github-user", "hubot", "--api-url", api)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.count("trying again") == len(WAITS)
    assert f"nothing listens at {api.removeprefix('http://')} (connection refused); no run was created" in ended.err
    assert "--idempotency-key" not in ended.err
