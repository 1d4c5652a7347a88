"""Reports of a run to GitHub: comment, pull request and check run exist once and are current.

| case                                          | expected                                                       |
|-----------------------------------------------|----------------------------------------------------------------|
| the run goes through its phases               | one comment edited in place, a pull request, a check run       |
| the same event again                          | no call at all                                                 |
| another process opens the pull request first  | that one is used                                               |
| other users paste the marker                  | their comments are unchanged; of two of ours the oldest stays  |
| the App is configured by its client id        | its comments are found by it as well                           |
| a person's retry                              | same comment, same pull request, checks on both commits        |

Reports that GitHub refuses: test_reporting_refused.py.
"""

from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN
from functions.github.reports.comment import marker
from functions.runs.github_sync_state import SYNC_RECORD
from functions.runs.model import pull_request
from tests.github.report_bench import FIRST, NAMESPACE, Newsroom

SECOND = "d" * 40


# Through the phases -------------------------------------------------------------------------------------------------


def test_one_comment_is_edited_through_the_phases_with_links(room: Newsroom) -> None:
    room.starts()
    assert room.report() == 204
    assert "**Pending** (`Starting`)" in room.comment()
    room.works()
    assert room.report() == 204
    assert "**Running**" in room.comment()
    assert "comment `/cancel`" in room.comment()
    room.world.later(minutes=25)
    room.ends(summary="Added it.\n\n@octocat Closes #99: `make test` passes.")
    assert room.report() == 204
    text, run = room.comment(), room.run()
    (pull,) = room.shop.pulls.values()
    assert run.status.pull_request_url == pull["html_url"]
    for words in (
        "**Succeeded** (`Completed`)",
        f"<{pull['html_url']}>",
        f"`{room.branch}`",
        "$0.12, 14 turns",
        "Took: 25m",
    ):
        assert words in text
    summary = "```text\nAdded it.\n\n@octocat Closes #99: `make test` passes.\n```"
    assert summary in text
    assert "comment `/retry`" in text
    (check,) = room.shop.checks.values()
    assert (check["external_id"], check["head_sha"], check["conclusion"]) == (run.uid, FIRST, "success")
    assert check["details_url"] == room.comments()[0]["html_url"]
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == (room.branch, "main", "Task 3: work on api")
    for words in (f"Asked for in #{room.issue}", "$0.12, 14 turns", "Took: 25m", summary):
        assert words in pull["body"]
    assert run.is_marked_finished
    room.check_told()


def test_a_change_costs_few_calls_and_a_repeated_event_none(room: Newsroom) -> None:
    room.works()
    room.report()
    assert room.wrote() == [f"POST /issues/{room.issue}/comments"]
    before = room.asked()
    room.ends()
    room.world.calls.calls.clear()
    room.report()
    assert room.asked() - before == 5, "list and open the pull request, edit the comment, list and create the check"
    assert (len(room.world.calls.writes), len(room.world.calls.reads)) == (4, 2), (
        "content budget, lease, pull request URL, sync record"
    )
    before, raw = room.asked(), room.run().raw
    room.world.calls.calls.clear()
    for _ in range(3):
        assert room.report(raw) == 204
    assert (room.asked(), room.world.calls.calls) == (before, [])
    room.world.later(minutes=2)
    room.sweep(), room.hourly()
    assert room.asked() - before <= 1, "the sweep lists failed deliveries"
    assert not [call for call in room.world.calls.writes if "coderuns" in call]


@pytest.mark.parametrize(
    ("ends", "conclusion"), [({"ok": True}, "success"), ({"ok": False, "message": "spent"}, "failure")]
)
def test_the_check_run_has_the_conclusion_of_the_run(room: Newsroom, ends: dict[str, Any], conclusion: str) -> None:
    room.works()
    room.ends(**ends)
    room.report()
    assert room.checks() == {FIRST: ("completed", conclusion)}
    assert len(room.shop.pulls) == (1 if ends["ok"] else 0), "a failed run has no pull request"


def test_a_docs_run_opens_its_pull_request_to_its_source_branch() -> None:
    room = Newsroom("DocsRun", sourceBranch="next", workingDirectory="services/api")
    room.shop.branches["next"] = "e" * 40
    room.succeeds()
    room.report()
    (pull,) = room.shop.pulls.values()
    assert (pull["base"]["ref"], pull["title"]) == ("next", "docs: document the tasks of services/api")
    assert "comment `/docs`" in room.comment()


def test_a_run_not_requested_on_github_has_only_its_pull_request_and_check() -> None:
    room = Newsroom(asked_for=False)
    room.works()
    assert room.report() == 204
    assert room.asked() == 0, "nothing to report yet"
    room.ends()
    room.report()
    assert room.comments() == []
    assert room.wrote() == ["POST /pulls", "POST /check-runs"]
    (check,) = room.shop.checks.values()
    assert check["details_url"] == room.run().status.pull_request_url


def test_a_run_of_a_repository_on_another_host_only_comments_on_its_issue() -> None:
    room = Newsroom(repositoryUrl="https://git.example/shop.git")
    room.succeeds()
    room.report()
    assert room.wrote() == [f"POST /issues/{room.issue}/comments"], "only the comment on the requesting issue"
    assert room.run().status.pull_request_url is None


def test_the_comment_of_a_queued_run_shows_its_position(room: Newsroom) -> None:
    room.world.configure(limits=room.settings.limits.model_copy(update={"runs": 0}))
    room.starts()
    assert room.run().status.phase == "Queued"
    room.report()
    assert "- In the queue: 1 of 1 when this was written" in room.comment()


def test_a_run_without_changes_has_no_pull_request(room: Newsroom) -> None:
    room.works()
    room.ends(None, reason="NoChanges", message="it is documented already")
    room.report()
    assert room.wrote() == [f"POST /issues/{room.issue}/comments"]
    assert "**Succeeded** (`NoChanges`)" in room.comment()
    assert "it is documented already" in room.comment()


# Existing comments, pull requests and checks ------------------------------------------------------------------------


def test_the_pull_request_that_the_attempt_opened_is_used(room: Newsroom) -> None:
    room.works()
    room.ends()
    opened = room.shop.open_pull(room.branch, by="5dlabs-rex[bot]")
    room.report()
    assert room.run().status.pull_request_url == opened["html_url"]
    assert len(room.shop.pulls) == 1


def test_comments_of_others_with_the_marker_are_not_edited(room: Newsroom) -> None:
    app = room.github.app.shown()
    forged = f"{marker(room.made.uid)}\nforged"
    theirs = [
        room.shop.comment(room.issue, forged, by="mallory"),
        room.shop.comment(room.issue, forged, by="mallory", app=app),  # a person, by means of the App
        room.shop.comment(room.issue, forged, by="other[bot]", app={"id": 99, "slug": "other"}),
        room.shop.comment(room.issue, f"> {forged}", by="5dlabs-rex[bot]", app=app),  # ours, about something else
    ]
    room.succeeds()
    room.report()
    assert [each["body"] for each in theirs] == [forged] * 3 + [f"> {forged}"]
    room.check_told()


def test_an_app_configured_by_its_client_id_finds_its_comments() -> None:
    room = Newsroom(client_id=True)
    room.succeeds()
    for _ in range(3):
        without = {"metadata": {"annotations": {SYNC_RECORD: None}}}
        room.world.kubelet.patch(CODE_RUN, NAMESPACE, room.made.name, without)
        assert room.report() == 204
    room.check_told()


def test_duplicate_comments_are_removed_and_a_deleted_one_is_recreated(room: Newsroom) -> None:
    app = room.github.app.shown()
    twins = [room.shop.comment(room.issue, marker(room.made.uid), "5dlabs-rex[bot]", app) for _ in range(2)]
    room.works()
    room.report()
    assert [each["id"] for each in room.comments()] == [twins[0]["id"]]
    del room.shop.comments[twins[0]["id"]]
    room.ends()
    room.report()
    room.check_told()


def test_a_duplicate_check_run_is_concluded(room: Newsroom) -> None:
    room.succeeds()
    room.report()
    (first,) = room.shop.checks.values()
    twin = {**first, "id": first["id"] + 500, "status": "in_progress", "conclusion": None}
    room.shop.checks[twin["id"]] = twin
    room.asks(contextVersion=2)
    room.works()
    room.ends(SECOND)
    room.report()
    said = [(each["head_sha"], each["conclusion"]) for each in room.shop.checks.values()]
    assert sorted(said) == [(FIRST, "neutral"), (FIRST, "success"), (SECOND, "success")]


# Another attempt ----------------------------------------------------------------------------------------------------


def test_a_retry_keeps_comment_and_pull_request_and_moves_the_check(room: Newsroom) -> None:
    room.succeeds()
    room.report()
    before = [each["id"] for each in room.comments()]
    room.asks(contextVersion=2)
    room.works()
    room.report()
    assert room.checks() == {FIRST: ("in_progress", None)}
    assert "- Attempt: 2" in room.comment()
    room.ends(SECOND)
    room.report()
    assert room.checks() == {FIRST: ("completed", "neutral"), SECOND: ("completed", "success")}
    assert [each["id"] for each in room.comments()] == before
    assert len(room.shop.pulls) == 1


def test_an_attempt_after_a_merge_opens_a_new_pull_request(room: Newsroom) -> None:
    room.succeeds()
    room.report()
    (first,) = room.shop.pulls.values()
    first |= {"state": "closed", "merged": True}
    _merged(room)
    assert room.report() == 204
    assert len(room.shop.pulls) == 1, "a merged pull request is not opened again"
    room.world.later(minutes=5)
    room.asks(contextVersion=2)
    room.works()
    room.ends(SECOND)
    room.report()
    assert len(room.shop.pulls) == 2
    assert room.run().status.pull_request_url == list(room.shop.pulls.values())[1]["html_url"]


def _merged(room: Newsroom) -> None:
    run = room.run()
    url = run.status.pull_request_url or ""
    merged = pull_request.set_pull_request(run.status, url, "Merged", run.generation, room.world.now)
    room.world.kubelet.replace_status(CODE_RUN, run.to_status_update(merged))


def test_the_comment_links_to_the_console_and_the_pull_request_has_cost_and_time(room: Newsroom) -> None:
    console = room.settings.console.model_copy(update={"url": "https://console.example/"})
    room.settings = room.settings.model_copy(update={"console": console})
    room.succeeds()
    assert room.report() == 204
    assert f"- Console: <https://console.example/runs/code/{room.made.name}>" in room.comment()
    (pull,) = room.shop.pulls.values()
    assert "- Used: $0.12, 14 turns\n- Took: 1m" in pull["body"]
