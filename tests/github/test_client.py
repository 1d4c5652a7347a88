"""What the App's calls to GitHub are signed with, and what becomes of GitHub's answers.

| about        | is so                                                                                             |
|--------------|---------------------------------------------------------------------------------------------------|
| tokens       | made once per repository, for it alone; replaced before they end; tried anew once where refused    |
| the JWT      | GitHub takes it although clocks differ; a bad key is named                                         |
| errors       | each answer becomes one error, in GitHub's words, the cause chained; no token in any text          |
| limits       | primary and secondary: how long to wait is known, and nobody calls before                          |
| lists        | page by page, in both forms, of a bounded number of pages, never on another host                   |
| paths        | what comes from outside stays one segment; none leads out of its repository                        |
| redirects    | followed on the same host with the token; not to another host                                      |
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from functions.github import errors
from functions.github.client import MOST_PAGES, connect, segment
from functions.github.client import Github as Client
from functions.github.errors import Busy, Denied, GithubError, NotFound, NotInstalled, Refused, Unauthorized
from functions.github.transport import HttpTransport, Request
from functions.handlers.http import Request as Asked
from functions.handlers.http import answer
from tests.github.conftest import Clock
from tests.support.github import Github
from tests.support.github.app import App, new_key

TOKENS = r"POST /app/installations/\d+/access_tokens"


# Tokens -------------------------------------------------------------------------------------------------------------


def test_a_token_is_made_once_for_one_repository_alone(github: Github, client: Client) -> None:
    github.repository("acme/shop").open_issue()
    github.repository("acme/other")
    for _ in range(3):
        client.repository("acme/shop").get("issues/1")
    assert len(github.asked(TOKENS)) == 1
    assert [token.repositories for token in github.app.tokens] == [["shop"]]
    client.repository("acme/other").get("")
    assert [token.repositories for token in github.app.tokens] == [["shop"], ["other"]]


def test_a_token_is_replaced_before_it_ends(github: Github, client: Client, clock: Clock) -> None:
    shop = client.repository(github.repository().full_name)
    for minutes, made in ((0, 1), (50, 1), (6, 2), (120, 3)):
        clock.later(minutes=minutes)
        shop.get("")
        assert len(github.app.tokens) == made
    assert not [call for call in github.calls if call.status >= 400]


def test_a_token_that_is_refused_is_made_anew_once(github: Github, client: Client) -> None:
    shop = client.repository(github.repository().full_name)
    shop.get("")
    github.app.tokens[0].revoked = True
    assert shop.get("")["full_name"] == "acme/shop"
    assert len(github.app.tokens) == 2
    github.fails("GET /repos/acme/shop$", 401, times=2)
    with pytest.raises(Unauthorized, match="answered by the test"):
        shop.get("")
    assert len(github.app.tokens) == 3


def test_forgotten_tokens_are_made_anew(github: Github, client: Client) -> None:
    names = [github.repository(name).full_name for name in ("acme/a", "acme/b")]
    for forgotten, made in (("", 2), ("acme/a", 4), ("", 5)):
        for name in names:
            client.repository(name).get("")
        assert len(github.app.tokens) == made
        client.forget(forgotten)


def test_where_the_app_is_not_installed_is_said(github: Github, client: Client) -> None:
    github.repository("acme/alone", installation=None)
    for name in ("acme/alone", "acme/nowhere"):
        with pytest.raises(NotInstalled, match=f"the GitHub App is not installed on {name}") as caught:
            client.repository(name).get("")
        assert isinstance(caught.value.__cause__, NotFound)


@pytest.mark.parametrize("seconds", [-50, 0, 50])
def test_the_jwt_is_accepted_although_clocks_differ(github: Github, clock: Clock, seconds: int) -> None:
    ahead = Clock()
    ahead.later(seconds=seconds)
    assert connect(github.settings(), ahead).app().get("app")["id"] == github.app.id


def test_another_apps_key_is_not_accepted(github: Github, clock: Clock) -> None:
    stranger = connect(github.settings(private_key=App(key=new_key()).private_key), clock)
    with pytest.raises(Unauthorized, match="could not be decoded"):
        stranger.app().get("app")
    assert len(github.calls) == 1, "another JWT would not be accepted either"


@pytest.mark.parametrize("key", ["-----BEGIN RSA PRIVATE KEY-----\nnonsense", "x PRIVATE KEY-----"])
def test_a_key_that_is_none_is_named_and_not_told(github: Github, clock: Clock, key: str) -> None:
    with pytest.raises(Denied, match=r"github\.private_key") as caught:
        connect(github.settings(private_key=key), clock).app().get("app")
    assert "nonsense" not in str(caught.value)
    assert not github.calls


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFound),
        (410, NotFound),
        (403, Denied),
        (400, Refused),
        (409, Refused),
        (422, Refused),
        (301, Refused),
        (429, Busy),
        (500, Busy),
        (502, Busy),
        (503, Busy),
        (520, Busy),
        (0, Busy),
    ],
)
def test_each_answer_is_one_error(
    github: Github, client: Client, clock: Clock, status: int, error: type[GithubError]
) -> None:
    shop = client.repository(github.repository().full_name)
    github.fails("GET /repos/acme/shop$", status)
    with pytest.raises(GithubError) as caught:
        shop.get("")
    assert type(caught.value) is error
    clock.later(minutes=2)
    assert shop.get(""), "one bad answer is one"


def test_githubs_words_reach_the_error(github: Github, client: Client) -> None:
    number = github.repository().open_issue()["number"]
    with pytest.raises(Refused) as caught:
        client.repository("acme/shop").post(f"issues/{number}/comments", {"body": "x" * 65_537})
    assert str(caught.value) == (
        "GitHub answered 422: Validation Failed; IssueComment data unprocessable Body is too long"
    )
    assert caught.value.errors == ("IssueComment data unprocessable Body is too long",)


def test_a_lacking_permission_is_denied(github: Github, client: Client) -> None:
    github.app.permissions["checks"] = "read"
    shop = github.repository()
    with pytest.raises(Denied, match="Resource not accessible by integration"):
        client.repository("acme/shop").post("check-runs", {"name": "x", "head_sha": shop.branches["main"]})
    assert list(client.repository("acme/shop").pages("commits/main/check-runs")) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>bad gateway</html>", "no reason given"),
        (b'{"message": "x", "errors": "one text"}', "x; one text"),
        (b'{"message": "x", "errors": ["a", 1, {"code": "missing", "field": "head"}]}', "x; a; 1; head missing"),
        (b'{"message": "x", "errors": {"a": 1}}', "x"),
        (b"[" * 100_000, "no reason given"),
        (b"\xff", "no reason given"),
        (b"", "no reason given"),
    ],
)
def test_any_body_of_an_error_can_be_read(body: bytes, said: str) -> None:
    found = errors.from_answer(422, {}, body, datetime.now(UTC))
    assert str(found).startswith(f"GitHub answered 422: {said}")


def test_no_token_and_no_key_is_in_any_text(github: Github, client: Client) -> None:
    shop = client.repository(github.repository().full_name)
    shop.get("")
    told = [repr(Request("GET", "u", "ghs_secret")), repr(client), repr(shop.__dict__), repr(github.settings())]
    for status in (401, 404, 422, 502, 0):
        github.fails("GET /repos/acme/shop$", status, times=2)
        with pytest.raises(GithubError) as caught:
            shop.get("")
        told.append(f"{caught.value!r} {caught.value.__cause__!r}")
    line = github.app.private_key.splitlines()[1]
    assert not [text for text in told if "ghs_" in text or line in text or "eyJ" in text]


# Limits -------------------------------------------------------------------------------------------------------------


def test_the_primary_limit_is_waited_for(github: Github, client: Client, clock: Clock) -> None:
    shop = client.repository(github.repository().full_name)
    shop.get("")
    github.troubles.limits.limit = 2
    shop.get("")
    with pytest.raises(Busy) as caught:
        shop.get("")
    assert caught.value.retry_after == 3600
    asked = len(github.calls)
    clock.later(minutes=59)
    with pytest.raises(Busy) as caught:
        shop.get("")
    assert (caught.value.retry_after, len(github.calls)) == (60, asked), "nobody called"
    clock.later(minutes=2)
    assert shop.get("")


def test_the_limit_of_one_account_is_not_anothers(github: Github, client: Client) -> None:
    names = [github.repository(name).full_name for name in ("acme/a", "other/b")]
    client.repository(names[0]).get("")
    github.fails("GET /repos/acme/a$", 403, Retry_After="30")
    with pytest.raises(Busy):
        client.repository(names[0]).get("")
    assert client.repository(names[1]).get("")


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (429, {"retry-after": "7"}, "", 7),
        (403, {"retry-after": "7"}, "", 7),
        (429, {}, "", errors.SECONDARY),
        (403, {}, "You have exceeded a secondary rate limit.", errors.SECONDARY),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "160"}, "", 60),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, "", 1),
        (429, {"x-ratelimit-remaining": "4", "x-ratelimit-reset": "160"}, "", errors.SECONDARY),
        (429, {"retry-after": "soon"}, "", errors.SECONDARY),
        (503, {"retry-after": "9"}, "", 9),
        (503, {}, "", None),
    ],
)
def test_how_long_to_wait_is_known(status: int, headers: dict[str, str], message: str, wait: float | None) -> None:
    found = errors.from_answer(
        status, headers, f'{{"message": "{message}"}}'.encode(), datetime.fromtimestamp(100, UTC)
    )
    assert isinstance(found, Busy)
    assert found.retry_after == wait


# At the edge of a function ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "queued"),
    [
        (Busy("x", 42), 503, 503),
        (Denied("x"), 403, 403),
        (NotInstalled("x"), 403, 403),
        (NotFound("x"), 422, 204),
        (Refused("x"), 422, 204),
    ],
)
def test_what_a_function_answers(error: GithubError, code: int, queued: int) -> None:
    def fails(_: Asked) -> Any:
        raise error

    pushed = {"x-goog-pubsub-subscription-name": "s"}
    answers = [answer(fails, Asked(headers, b"{}")) for headers in ({}, pushed)]
    assert [each.code for each in answers] == [code, queued]
    assert [each.headers.get("Retry-After") for each in answers] == (["42", "42"] if code == 503 else [None, None])


# Lists, paths, redirects --------------------------------------------------------------------------------------------


def test_a_list_is_read_page_by_page_in_order(github: Github, client: Client) -> None:
    shop = github.repository()
    number = shop.open_issue()["number"]
    ids = [shop.comment(number, f"{each}")["id"] for each in range(205)]
    found = client.repository("acme/shop").pages(f"issues/{number}/comments")
    assert next(found)["id"] == ids[0]
    assert len(github.asked("GET .*/comments")) == 1, "the next page is read when it is needed"
    assert [each["id"] for each in found] == ids[1:]
    assert len(github.asked("GET .*/comments")) == 3


def test_a_list_in_an_object_is_read_as_well(github: Github, client: Client) -> None:
    commit = github.repository().branches["main"]
    api = client.repository("acme/shop")
    for each in range(3):
        api.post("check-runs", {"name": f"c{each}", "head_sha": commit})
    found = api.pages(f"commits/{commit}/check-runs", per_page="2")
    assert [each["name"] for each in found] == ["c0", "c1", "c2"]


def test_an_endless_list_is_read_to_a_bound(github: Github, client: Client) -> None:
    shop = github.repository()
    number = shop.open_issue()["number"]
    for each in range(MOST_PAGES + 5):
        shop.comment(number, f"{each}")
    found = list(client.repository("acme/shop").pages(f"issues/{number}/comments", per_page="1"))
    assert len(found) == MOST_PAGES


@pytest.mark.parametrize("text", ["a/b", "a?b=c", "a#b", "a b", "%2e%2e", "ü\n", "a%2Fb"])
def test_what_comes_from_outside_stays_one_segment(github: Github, client: Client, text: str) -> None:
    shop = client.repository(github.repository(people={text: "write"}).full_name)
    assert shop.get(f"collaborators/{segment(text)}/permission")["permission"] == "write"


@pytest.mark.parametrize("path", ["../../app", "contents/../../other", "issues//1", "contents/%2e%2E/x", "..", "./x"])
def test_no_path_leads_elsewhere(github: Github, client: Client, path: str) -> None:
    asked = len(github.calls)
    with pytest.raises(Refused, match="leads elsewhere"):
        client.repository(github.repository().full_name).get(path)
    assert len(github.calls) == asked


@pytest.mark.parametrize("name", ["", "shop", "a/b/c", "../x", "a/..", "a/b?c", "a b/c", "a/b\n", "ü/b", "./b"])
def test_what_is_no_name_of_a_repository_is_refused(client: Client, name: str) -> None:
    with pytest.raises(Refused, match="is not the name of a repository"):
        client.repository(name)


@contextmanager
def elsewhere(answers: Callable[[str], tuple[int, dict[str, str], bytes]]) -> Iterator[tuple[str, list[Any]]]:
    """Another server, and the Authorization headers that reached it."""
    reached: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.headers.get("Authorization"))
            status, headers, body = answers(self.path)
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", reached
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_renamed_repository_is_found_again(github: Github, client: Client) -> None:
    github.repository("acme/new")
    api = client.repository("acme/new")
    api.get("")
    github.fails("GET /repos/acme/new$", 301, Location="/repos/acme/new/")
    github.fails("GET /repos/acme/new/$", 307, Location="/repos/acme/new")
    assert api.get("")["full_name"] == "acme/new"


def test_no_token_is_carried_to_another_host(github: Github, client: Client) -> None:
    api = client.repository(github.repository().full_name)
    api.get("")
    with elsewhere(lambda _: (200, {}, b"{}")) as (url, reached):
        for status in (301, 302, 307, 308):
            github.fails("GET /repos/acme/shop$", status, Location=f"{url}/repos/acme/shop")
            with pytest.raises(Refused):
                api.get("")
        github.fails("POST", 301, Location="/elsewhere")
        with pytest.raises(Refused):
            api.post("issues/1/comments", {"body": "x"})
    assert not reached


def test_no_page_is_read_on_another_host(github: Github, client: Client) -> None:
    api = client.repository(github.repository().full_name)
    api.get("")
    with elsewhere(lambda _: (200, {}, b"[]")) as (url, reached):
        link = f'<{url}/next>; rel="next"'
        github.fails("GET .*/comments", 200, Link=link)
        assert list(api.pages("issues/1/comments")) == []
    assert not reached


def test_redirects_without_end_are_given_up() -> None:
    with elsewhere(lambda path: (307, {"Location": f"{path}x"}, b"")) as (url, reached):
        assert HttpTransport().send(Request("GET", f"{url}/x", "t")).status == 307
    assert 1 < len(reached) < 10


def test_an_answer_that_is_no_json_may_be_better_next_time() -> None:
    key = App()
    with elsewhere(lambda _: (200, {"Content-Type": "text/html"}, b"<html>")) as (url, _):
        settings = Github(app=key).settings(api_url=url)
        with pytest.raises(Busy, match="no JSON"):
            connect(settings, lambda: datetime.now(UTC)).app().get("app")


def test_nobody_there_is_busy() -> None:
    settings = Github(app=App()).settings(api_url="http://127.0.0.1:1")
    with pytest.raises(Busy, match=re.escape("did not answer GET /app")) as caught:
        connect(settings, lambda: datetime.now(UTC)).app().get("app")
    assert caught.value.__cause__ is not None
