"""The errors that GitHub's answers lead to."""

from datetime import UTC, datetime
from typing import Any

import pytest

from functions.github.api import errors
from functions.github.api.client import Github as Client
from functions.github.api.errors import Busy, Denied, GithubError, NotFound, NotInstalled, Rejected
from functions.serving.http import Request as Asked
from functions.serving.http import answer
from tests.github.clock import Clock
from tests.support.github import Github

# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFound),
        (410, NotFound),
        (403, Denied),
        (400, Rejected),
        (409, Rejected),
        (422, Rejected),
        (301, Rejected),
        (429, Busy),
        (500, Busy),
        (502, Busy),
        (503, Busy),
        (520, Busy),
        (0, Busy),
    ],
)
def test_each_status_raises_its_error(
    github: Github, client: Client, clock: Clock, status: int, error: type[GithubError]
) -> None:
    shop = client.repository(github.repository().full_name)
    github.fails("GET /repos/acme/shop$", status)
    with pytest.raises(GithubError) as caught:
        shop.get("")
    assert type(caught.value) is error
    clock.later(minutes=2)
    assert shop.get(""), "the error does not outlast its answer"


def test_an_error_has_githubs_message(github: Github, client: Client) -> None:
    number = github.repository().open_issue()["number"]
    with pytest.raises(Rejected) as caught:
        client.repository("acme/shop").post(f"issues/{number}/comments", {"body": "x" * 65_537})
    assert str(caught.value) == (
        "GitHub answered 422: Validation Failed; IssueComment data unprocessable Body is too long"
    )
    assert caught.value.errors == ("IssueComment data unprocessable Body is too long",)


def test_a_missing_permission_is_denied(github: Github, client: Client) -> None:
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
def test_an_error_is_made_of_any_body(body: bytes, said: str) -> None:
    found = errors.from_response(422, {}, body, datetime.now(UTC))
    assert str(found).startswith(f"GitHub answered 422: {said}")


# Limits -------------------------------------------------------------------------------------------------------------


def test_no_call_is_made_before_the_primary_limit_resets(github: Github, client: Client, clock: Clock) -> None:
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
    assert (caught.value.retry_after, len(github.calls)) == (60, asked), "GitHub was not called"
    clock.later(minutes=2)
    assert shop.get("")


def test_a_rate_limit_of_one_account_does_not_block_another(github: Github, client: Client) -> None:
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
        (429, {}, "", errors.SECONDARY_LIMIT_SECONDS),
        (403, {}, "You have exceeded a secondary rate limit.", errors.SECONDARY_LIMIT_SECONDS),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "160"}, "", 60),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, "", 1),
        (429, {"x-ratelimit-remaining": "4", "x-ratelimit-reset": "160"}, "", errors.SECONDARY_LIMIT_SECONDS),
        (429, {"retry-after": "soon"}, "", errors.SECONDARY_LIMIT_SECONDS),
        (503, {"retry-after": "9"}, "", 9),
        (503, {}, "", None),
    ],
)
def test_a_rate_limit_error_has_the_time_to_wait(
    status: int, headers: dict[str, str], message: str, wait: float | None
) -> None:
    found = errors.from_response(
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
        (Rejected("x"), 422, 204),
    ],
)
def test_a_function_answers_github_errors_by_their_kind(error: GithubError, code: int, queued: int) -> None:
    def fails(_: Asked) -> Any:
        raise error

    pushed = {"x-goog-pubsub-subscription-name": "s"}
    answers = [answer(fails, Asked(headers, b"{}")) for headers in ({}, pushed)]
    assert [each.code for each in answers] == [code, queued]
    assert [each.headers.get("Retry-After") for each in answers] == (["42", "42"] if code == 503 else [None, None])
