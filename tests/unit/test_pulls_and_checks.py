"""The pull request and the check run of a run, as GitHub requests."""

import pytest

from functions.github.reports import check, pull_request
from functions.github.reports.pull_request_draft import PullRequestDraft
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.states import State
from functions.runs.model import origin
from functions.runs.model.reasons import Reason
from tests.support.builders import NOW, UID, ended

# The pull request ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("acme/shop", "Asked for in #7"),
        ("acme/docs", "Asked for in acme/docs#7"),
        ("acme/shop](https://evil.example)", None),
        ("@everyone", None),
    ],
)
def test_a_pull_request_links_to_the_requesting_issue(asked: str, line: str | None) -> None:
    found = ended(annotations=origin.to_annotations(origin.Origin(asked, 7)))
    pull = pull_request.build(found, "acme/shop")
    assert (pull.title, pull.base) == ("Task 3: work on api", "main")
    assert ("Asked" in pull.body) == (line is not None)
    assert (line or "") in pull.body
    assert "@" not in pull.body


def test_the_compare_link_quotes_branch_names() -> None:
    pull = PullRequestDraft("acme/shop", "agents/a?b#c", "release/1 2", "", "")
    link = pull_request.compare_url(pull, "github.example")
    assert link == "https://github.example/acme/shop/compare/release/1%202...agents/a%3Fb%23c?expand=1"


def test_the_status_message_names_the_pull_request_once() -> None:
    pull = pull_request.build(ended(), "acme/shop")
    before = ended(message="pushed x. No pull request was opened; to open one: https://elsewhere").status
    opened = pull_request.with_url(before, "https://g/1", 1, NOW)
    assert (opened.message, opened.pull_request_url) == ("pushed x. Pull request: https://g/1", "https://g/1")
    refused = pull_request.with_refusal(before, pull, "github.example", "no\x1b right", NOW)
    again = pull_request.with_refusal(refused, pull, "github.example", "no right", NOW)
    assert again.message == refused.message
    assert (again.message or "").count("No pull request") == 1
    assert {each.message for each in again.conditions} == {again.message}
    long = pull_request.with_url(ended(message="x" * 2000).status, "https://g/1", 1, NOW)
    assert len(long.message or "") <= 2000
    assert (long.message or "").endswith("https://g/1")


# The check run ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "reason", "conclusion"),
    [
        (State.SUCCEEDED, Reason.COMPLETED, "success"),
        (State.SUCCEEDED, Reason.NO_CHANGES, "neutral"),
        (State.FAILED, Reason.MAX_TURNS, "failure"),
        (State.CANCELLED, Reason.CANCELLED, "cancelled"),
    ],
)
def test_the_check_has_the_conclusion_of_the_run(to: State, reason: Reason, conclusion: str) -> None:
    wanted = check.body(ended(to, reason), "https://g/1#c")
    assert (wanted["status"], wanted["conclusion"], wanted["external_id"]) == ("completed", conclusion, UID)
    assert wanted["details_url"] == "https://g/1#c"
    assert check.is_current(wanted, wanted)
    assert not check.is_current({**wanted, "output": {"title": "other"}}, wanted)
    assert "details_url" not in check.body(ended(), "javascript:x")


def test_check_runs_of_our_app_are_selected_by_app_or_client_id_oldest_first() -> None:
    mine = {"id": 7, "external_id": UID, "app": {"id": 12345, "client_id": "Iv1.abc"}}
    older = mine | {"id": 3}
    others = [
        mine | {"app": {"id": 1, "client_id": "Iv1.other"}},
        mine | {"app": {"id": None}},
        mine | {"app": None},
        mine | {"external_id": "another"},
    ]
    for app in ("12345", "Iv1.abc"):
        assert check.select_own([mine, *others, older], UID, app) == [older, mine]
    assert check.select_own(others, UID, "None") == []


def test_the_check_is_in_progress_during_another_attempt() -> None:
    again = ended().with_status(transitions.reopen(ended(spec={"contextVersion": 2}), NOW))
    assert check.body(again, "")["status"] == "in_progress"
    assert "conclusion" not in check.body(again, "")
