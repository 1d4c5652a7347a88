"""Requests of the App's client to GitHub: paths, lists, redirects."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest

from functions.github.api.client import MAX_PAGES, connect
from functions.github.api.client import Github as Client
from functions.github.api.errors import Busy, Rejected
from functions.github.api.transport import HttpTransport, Request
from tests.support.github import Github
from tests.support.github.app import App
from tests.support.http_servers import Handler, listening


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


def test_an_endless_list_is_read_up_to_a_bound(github: Github, client: Client) -> None:
    shop = github.repository()
    number = shop.open_issue()["number"]
    for each in range(MAX_PAGES + 5):
        shop.comment(number, f"{each}")
    found = list(client.repository("acme/shop").pages(f"issues/{number}/comments", per_page="1"))
    assert len(found) == MAX_PAGES


@pytest.mark.parametrize("text", ["a/b", "a?b=c", "a#b", "a b", "%2e%2e", "ü\n", "a%2Fb"])
def test_quoted_text_stays_one_path_segment(github: Github, client: Client, text: str) -> None:
    shop = client.repository(github.repository(people={text: "write"}).full_name)
    assert shop.get(f"collaborators/{quote(text, safe='')}/permission")["permission"] == "write"


@pytest.mark.parametrize("path", ["../../app", "contents/../../other", "issues//1", "contents/%2e%2E/x", "..", "./x"])
def test_a_path_with_dot_or_empty_segments_is_refused(github: Github, client: Client, path: str) -> None:
    asked = len(github.calls)
    with pytest.raises(Rejected, match="has an empty or a dot segment"):
        client.repository(github.repository().full_name).get(path)
    assert len(github.calls) == asked


@pytest.mark.parametrize("name", ["", "shop", "a/b/c", "../x", "a/..", "a/b?c", "a b/c", "a/b\n", "ü/b", "./b"])
def test_an_invalid_repository_name_is_refused(client: Client, name: str) -> None:
    with pytest.raises(Rejected, match="is not the name of a repository"):
        client.repository(name)


@contextmanager
def elsewhere(answers: Callable[[str], tuple[int, dict[str, str], bytes]]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the URL of another server, and the Authorization headers that reached it."""
    reached: list[Any] = []

    class Elsewhere(Handler):
        def asked(self) -> None:
            reached.append(self.headers.get("Authorization"))
            self.answer(*answers(self.path))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    with listening(server):
        yield f"http://127.0.0.1:{server.server_port}", reached


def test_redirects_of_a_renamed_repository_are_followed(github: Github, client: Client) -> None:
    github.repository("acme/new")
    api = client.repository("acme/new")
    api.get("")
    github.fails("GET /repos/acme/new$", 301, Location="/repos/acme/new/")
    github.fails("GET /repos/acme/new/$", 307, Location="/repos/acme/new")
    assert api.get("")["full_name"] == "acme/new"


def test_a_redirect_to_another_host_is_not_followed(github: Github, client: Client) -> None:
    api = client.repository(github.repository().full_name)
    api.get("")
    with elsewhere(lambda _: (200, {}, b"{}")) as (url, reached):
        for status in (301, 302, 307, 308):
            github.fails("GET /repos/acme/shop$", status, Location=f"{url}/repos/acme/shop")
            with pytest.raises(Rejected):
                api.get("")
        github.fails("POST", 301, Location="/elsewhere")
        with pytest.raises(Rejected):
            api.post("issues/1/comments", {"body": "x"})
    assert not reached


def test_a_next_page_on_another_host_is_not_read(github: Github, client: Client) -> None:
    api = client.repository(github.repository().full_name)
    api.get("")
    with elsewhere(lambda _: (200, {}, b"[]")) as (url, reached):
        link = f'<{url}/next>; rel="next"'
        github.fails("GET .*/comments", 200, Link=link, body=[{"id": 7}])
        assert list(api.pages("issues/1/comments")) == [{"id": 7}]
    assert not reached


def test_endless_redirects_are_given_up() -> None:
    with elsewhere(lambda path: (307, {"Location": f"{path}x"}, b"")) as (url, reached):
        assert HttpTransport().send(Request("GET", f"{url}/x", "t")).status == 307
    assert 1 < len(reached) < 10


def test_an_answer_that_is_not_json_is_busy() -> None:
    key = App()
    with elsewhere(lambda _: (200, {"Content-Type": "text/html"}, b"<html>")) as (url, _):
        settings = Github(app=key).settings(api_url=url)
        with pytest.raises(Busy, match="not JSON"):
            connect(settings, lambda: datetime.now(UTC)).app().get("app")


def test_an_unreachable_server_is_busy() -> None:
    settings = Github(app=App()).settings(api_url="http://127.0.0.1:1")
    with pytest.raises(Busy, match=re.escape("did not answer GET /app")) as caught:
        connect(settings, lambda: datetime.now(UTC)).app().get("app")
    assert caught.value.__cause__ is not None
