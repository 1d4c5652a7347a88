"""The decisions about a webhook event, made from the event alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from functions.github.commands.parse import Cancel, Retry, StartRun, Status
from functions.github.webhook.decisions import (
    ChecksChanged,
    Closed,
    CommandRequest,
    Decision,
    FeedbackReceived,
    InvalidateTokens,
    LogOnly,
    MappingTriggered,
    PullRequestChanged,
)
from functions.github.webhook.event import PullRequest, WebhookEvent
from functions.github.webhook.payload_filter import extract
from functions.github.webhook.rules import router
from tests.support.builders import NOW, UID
from tests.support.github import Repository, payloads
from tests.support.github.content import Site, user

BRANCH = "agents/run-0123456789ab-3f2b8"


@pytest.fixture
def shop() -> Repository:
    return Repository(Site(lambda: NOW), "acme/shop", 9001)


def decided(event: str, payload: Mapping[str, Any], delivery: str = "d-1") -> list[Decision]:
    """Return the decisions of the rules about a payload after the webhook's filter."""
    data = extract(event, payload) or {}
    return router.decide(WebhookEvent(event, str(data.get("action") or ""), delivery, data))


def requests_of(event: str, payload: Mapping[str, Any], delivery: str = "d-1") -> list[CommandRequest]:
    found = decided(event, payload, delivery)
    assert all(isinstance(each, CommandRequest) for each in found)
    return [each for each in found if isinstance(each, CommandRequest)]


def commented(shop: Repository, body: str, by: str = "octocat", number: int = 0) -> dict[str, Any]:
    number = number or int(shop.open_issue()["number"])
    return payloads.issue_comment(shop, number, shop.comment(number, body, by))


def test_each_command_of_a_comment_becomes_a_request(shop: Repository) -> None:
    payload = commented(shop, "/code 3 service=api\n/status")
    first, second = requests_of("issue_comment", payload)
    assert (first.trigger, second.trigger) == (StartRun("code", {"service": "api"}, 3), Status())
    comment = payload["comment"]["id"]
    assert (first.key, second.key) == (f"9001/issues/comment/{comment}/0", f"9001/issues/comment/{comment}/1")
    assert (first.number, first.login, first.on_pull_request, first.pull_request) == (1, "octocat", False, None)
    assert first.url == payload["comment"]["html_url"]
    assert first.written_at == f"issues/comments/{comment}"


def test_a_comment_has_the_same_key_in_every_delivery(shop: Repository) -> None:
    payload = commented(shop, "/cancel")
    renamed = payload | {"repository": payload["repository"] | {"full_name": "acme/store"}, "installation": None}
    keys = {
        request.key
        for variant in (payload, renamed)
        for guid in ("a", "b")
        for request in requests_of("issue_comment", variant, guid)
    }
    assert len(keys) == 1


def test_a_request_from_a_pull_requests_comment_is_marked(shop: Repository) -> None:
    number = shop.open_pull(BRANCH)["number"]
    (request,) = requests_of("issue_comment", commented(shop, "/retry please", number=number))
    assert (request.trigger, request.on_pull_request, request.pull_request, request.number) == (
        Retry("please"),
        True,
        None,
        number,
    )


def test_a_review_comment_has_its_own_kind_of_key(shop: Repository) -> None:
    number = shop.open_pull(BRANCH, "next")["number"]
    payload = payloads.review_comment(shop, number, "/cancel")
    (request,) = requests_of("pull_request_review_comment", payload)
    assert request.key == f"9001/pulls/comment/{payload['comment']['id']}/0"
    assert request.pull_request == PullRequest(number, BRANCH, "next", fork=False, url=shop.pulls[number]["html_url"])


def test_a_deleted_comment_is_ignored(shop: Repository) -> None:
    assert decided("issue_comment", commented(shop, "/cancel") | {"action": "deleted"}) == []


def test_an_edited_comment_keeps_its_key_and_gets_another_reply_key(shop: Repository) -> None:
    payload = commented(shop, "/cancel")
    (created,), (edited,) = (
        requests_of("issue_comment", payload),
        requests_of("issue_comment", payload | {"action": "edited", "changes": {"body": {"from": "hello"}}}),
    )
    assert edited.key == created.key == created.reply_key
    assert edited.reply_key != created.reply_key


@pytest.mark.parametrize("by", ["5dlabs-rex[bot]", "dependabot[bot]"])
def test_comments_and_reviews_of_bots_are_ignored(shop: Repository, by: str) -> None:
    assert decided("issue_comment", commented(shop, "/cancel", by)) == []
    number = shop.open_pull(BRANCH)["number"]
    assert decided("pull_request_review_comment", payloads.review_comment(shop, number, "/cancel", by)) == []
    assert decided("pull_request_review", payloads.review(shop, number, "changes_requested", "no", by)) == []
    assert decided("issues", payloads.issue(shop, number, "labeled", by, label={"name": "x"})) == []


def test_a_sender_of_type_bot_is_ignored_whatever_its_login(shop: Repository) -> None:
    payload = commented(shop, "/cancel")
    assert decided("issue_comment", payload | {"sender": {"login": "robot", "type": "Bot"}}) == []


@pytest.mark.parametrize("on", ["issues", "pull_request"])
def test_a_label_triggers_the_configured_mapping(shop: Repository, on: str) -> None:
    number = shop.open_pull(BRANCH, title="Task 3")["number"]
    make = payloads.issue if on == "issues" else payloads.pull_request
    payload = make(shop, number, "labeled", label={"name": "Agent: Docs"})
    first, again = requests_of(on, payload), requests_of(on, payload, "another delivery")
    assert [each.key for each in first] == [each.key for each in again]
    assert first[0].trigger == MappingTriggered("labels", "Agent: Docs", "Task 3")
    assert first[0].on_pull_request == (on == "pull_request")
    later = {
        **payload,
        ("issue" if on == "issues" else on): shop.issues[number] | {"updated_at": "2026-02-01T00:00:00Z"},
    }
    assert requests_of(on, later)[0].key != first[0].key


def test_a_label_without_updated_at_is_keyed_by_its_delivery(shop: Repository) -> None:
    number = shop.open_issue()["number"]
    del shop.issues[number]["updated_at"]
    payload = payloads.issue(shop, number, "labeled", label={"name": "x"})
    assert requests_of("issues", payload, "a")[0].key != requests_of("issues", payload, "b")[0].key


def test_an_assignment_triggers_the_configured_mapping(shop: Repository) -> None:
    number = shop.open_issue()["number"]
    (request,) = requests_of("issues", payloads.issue(shop, number, "assigned", assignee=user("shop-agent")))
    assert request.trigger == MappingTriggered("assignees", "shop-agent", "An issue")
    assert decided("issues", payloads.issue(shop, number, "unassigned", assignee=user("shop-agent"))) == []


def test_a_review_that_requests_changes_becomes_feedback(shop: Repository) -> None:
    number = shop.open_pull(BRANCH)["number"]
    payload = payloads.review(shop, number, "changes_requested", "use the\u202e other library")
    (request,) = requests_of("pull_request_review", payload)
    assert isinstance(request.trigger, FeedbackReceived)
    assert (
        request.trigger.description
        == "A review of your pull request, by octocat, asks for changes.\n\nuse the other library"
    )
    assert (request.trigger.branch, request.trigger.number, request.login) == (
        BRANCH,
        payload["review"]["id"],
        "octocat",
    )


def test_a_command_in_a_review_takes_precedence_over_feedback(shop: Repository) -> None:
    number = shop.open_pull(BRANCH)["number"]
    (request,) = requests_of("pull_request_review", payloads.review(shop, number, "changes_requested", "/cancel"))
    assert request.trigger == Cancel()


@pytest.mark.parametrize(
    ("state", "head", "fork"),
    [
        ("approved", BRANCH, ""),
        ("commented", BRANCH, ""),
        ("changes_requested", "feature", ""),
        ("changes_requested", BRANCH, "mallory/shop"),
    ],
)
def test_reviews_without_requested_changes_on_a_runs_branch_are_ignored(
    shop: Repository, state: str, head: str, fork: str
) -> None:
    number = shop.open_pull(head, fork=fork)["number"]
    assert decided("pull_request_review", payloads.review(shop, number, state, "hm")) == []


def test_a_failed_check_on_a_runs_branch_becomes_feedback(shop: Repository) -> None:
    payload = payloads.check_run(shop, BRANCH, pull_requests=[{"id": 1, "number": 7}])
    request, changed = decided("check_run", payload)
    assert changed == ChecksChanged(BRANCH, "c" * 40)
    assert isinstance(request, CommandRequest)
    assert isinstance(request.trigger, FeedbackReceived)
    assert (request.number, request.login, request.trigger.branch, request.trigger.commit) == (7, "", BRANCH, "c" * 40)
    for part in ("The check tests failed", "2 tests failed", "test_a, test_b", payload["check_run"]["details_url"]):
        assert part in request.trigger.description
    assert request.key == f"9001/check/{payload['check_run']['id']}"


@pytest.mark.parametrize(
    ("branch", "more"),
    [
        ("main", {}),
        ("agents/", {}),
        (BRANCH, {"name": "orchestrator", "external_id": UID}),
        (BRANCH, {"check_suite": None}),
    ],
)
def test_our_own_check_and_checks_on_other_branches_are_ignored(
    shop: Repository, branch: str, more: dict[str, Any]
) -> None:
    assert decided("check_run", payloads.check_run(shop, branch, **more)) == []


@pytest.mark.parametrize(("conclusion", "passed"), [("success", True), ("cancelled", False)])
def test_a_check_that_did_not_fail_is_only_recorded(shop: Repository, conclusion: str, passed: bool) -> None:
    payload = payloads.check_run(shop, BRANCH, conclusion=conclusion)
    assert decided("check_run", payload) == [ChecksChanged(BRANCH, "c" * 40, passed)]


def test_a_commit_status_is_recorded_for_each_runs_branch_with_the_commit(shop: Repository) -> None:
    payload = payloads.status(shop, BRANCH, "c" * 40, "success") | {"branches": [{"name": "main"}, {"name": BRANCH}]}
    assert decided("status", payload) == [ChecksChanged(BRANCH, "c" * 40, passed=True)]
    assert decided("status", payload | {"state": "failure"})[-1] == ChecksChanged(BRANCH, "c" * 40)
    assert decided("status", payload | {"state": "pending"}) == []


@pytest.mark.parametrize(
    ("action", "shown", "state"),
    [
        ("opened", {}, "Open"),
        ("reopened", {}, "Open"),
        ("synchronize", {}, "Open"),
        ("closed", {"state": "closed"}, "Closed"),
        ("closed", {"state": "closed", "merged": True}, "Merged"),
        ("synchronize", {"state": "closed", "merged": True}, "Merged"),
    ],
)
def test_changes_of_a_runs_pull_request_are_recorded(
    shop: Repository, action: str, shown: dict[str, Any], state: str
) -> None:
    number = shop.open_pull(BRANCH, by="5dlabs-rex[bot]")["number"]
    shop.pulls[number] |= shown
    news, *closed = decided("pull_request", payloads.pull_request(shop, number, action, "5dlabs-rex[bot]"))
    assert [getattr(each, "trigger", None) for each in closed] == ([Closed()] if action == "closed" else [])
    assert isinstance(news, PullRequestChanged)
    assert (news.state, news.pull_request.url) == (state, shop.pulls[number]["html_url"])


def test_a_pull_request_of_a_fork_is_ignored_whatever_its_branch(shop: Repository) -> None:
    number = shop.open_pull(BRANCH, fork="mallory/shop")["number"]
    assert decided("pull_request", payloads.pull_request(shop, number, "opened")) == []
    shop.pulls[number]["head"]["repo"] = None  # the fork was deleted
    (closed,) = requests_of("pull_request", payloads.pull_request(shop, number, "closed"))
    assert closed.trigger == Closed()


def test_the_deletion_of_a_runs_branch_is_logged(shop: Repository) -> None:
    (note,) = decided("delete", payloads.branch_deleted(shop, BRANCH))
    assert isinstance(note, LogOnly)
    assert BRANCH in note.message
    assert decided("delete", payloads.branch_deleted(shop, "feature")) == []
    assert decided("delete", payloads.branch_deleted(shop, BRANCH) | {"ref_type": "tag"}) == []


def test_tokens_are_invalidated_when_an_installation_changes(shop: Repository) -> None:
    (all_of_them,) = decided("installation", payloads.installation(shop, "suspend"))
    assert isinstance(all_of_them, InvalidateTokens)
    assert all_of_them.repositories == ()
    removed = payloads.installation(shop, "removed") | {"repositories_removed": [{"id": 1, "full_name": "acme/shop"}]}
    (some,) = decided("installation_repositories", removed)
    assert isinstance(some, InvalidateTokens)
    assert some.repositories == ("acme/shop",)
