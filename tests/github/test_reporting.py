"""Reports of a run to GitHub: comment, pull request and check run exist once and are current.

Reports that GitHub refuses: test_reporting_refused.py.
"""

from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN
from functions.github.reports.comment import marker
from functions.runs.github_sync_state import SYNC_RECORD
from functions.runs.model import pull_request
from tests.github.report_bench import FIRST, NAMESPACE, ReportBench

SECOND = "d" * 40


# Through the phases -------------------------------------------------------------------------------------------------


def test_one_comment_is_edited_through_the_phases_with_links(reporting: ReportBench) -> None:
    reporting.starts()
    assert reporting.report() == 204
    assert "**Pending** (`Starting`)" in reporting.comment()
    reporting.works()
    assert reporting.report() == 204
    assert "**Running**" in reporting.comment()
    assert "comment `/cancel`" in reporting.comment()
    reporting.world.later(minutes=25)
    reporting.ends(summary="Added it.\n\n@octocat Closes #99: `make test` passes.")
    assert reporting.report() == 204
    text, run = reporting.comment(), reporting.run()
    (pull,) = reporting.shop.pulls.values()
    assert run.status.pull_request_url == pull["html_url"]
    for words in (
        "**Succeeded** (`Completed`)",
        f"<{pull['html_url']}>",
        f"`{reporting.branch}`",
        "$0.12, 14 turns",
        "Took: 25m",
    ):
        assert words in text
    summary = "```text\nAdded it.\n\n@octocat Closes #99: `make test` passes.\n```"
    assert summary in text
    assert "comment `/retry`" in text
    (check,) = reporting.shop.checks.values()
    assert (check["external_id"], check["head_sha"], check["conclusion"]) == (run.uid, FIRST, "success")
    assert check["details_url"] == reporting.comments()[0]["html_url"]
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == (
        reporting.branch,
        "main",
        "Task 3: work on api",
    )
    for words in (f"Asked for in #{reporting.issue}", "$0.12, 14 turns", "Took: 25m", summary):
        assert words in pull["body"]
    assert run.is_marked_finished
    reporting.check_reported()


def test_a_change_costs_few_calls_and_a_repeated_event_none(reporting: ReportBench) -> None:
    reporting.works()
    reporting.report()
    assert reporting.wrote() == [f"POST /issues/{reporting.issue}/comments"]
    before = reporting.asked()
    reporting.ends()
    reporting.world.calls.calls.clear()
    reporting.report()
    assert reporting.asked() - before == 5, (
        "list and open the pull request, edit the comment, list and create the check"
    )
    assert (len(reporting.world.calls.writes), len(reporting.world.calls.reads)) == (4, 2), (
        "content budget, lease, pull request URL, sync record"
    )
    before, raw = reporting.asked(), reporting.run().raw
    reporting.world.calls.calls.clear()
    for _ in range(3):
        assert reporting.report(raw) == 204
    assert (reporting.asked(), reporting.world.calls.calls) == (before, [])
    reporting.world.later(minutes=2)
    reporting.sweep(), reporting.hourly()
    assert reporting.asked() - before <= 1, "the sweep lists failed deliveries"
    assert not [call for call in reporting.world.calls.writes if "coderuns" in call]


@pytest.mark.parametrize(
    ("ends", "conclusion"), [({"ok": True}, "success"), ({"ok": False, "message": "spent"}, "failure")]
)
def test_the_check_run_has_the_conclusion_of_the_run(
    reporting: ReportBench, ends: dict[str, Any], conclusion: str
) -> None:
    reporting.works()
    reporting.ends(**ends)
    reporting.report()
    assert reporting.checks() == {FIRST: ("completed", conclusion)}
    assert len(reporting.shop.pulls) == (1 if ends["ok"] else 0), "a failed run has no pull request"


def test_a_docs_run_opens_its_pull_request_to_its_source_branch() -> None:
    reporting = ReportBench("DocsRun", sourceBranch="next", workingDirectory="services/api")
    reporting.shop.branches["next"] = "e" * 40
    reporting.succeeds()
    reporting.report()
    (pull,) = reporting.shop.pulls.values()
    assert (pull["base"]["ref"], pull["title"]) == ("next", "docs: document the tasks of services/api")
    assert "comment `/docs`" in reporting.comment()


def test_a_run_not_requested_on_github_has_only_its_pull_request_and_check() -> None:
    reporting = ReportBench(asked_for=False)
    reporting.works()
    assert reporting.report() == 204
    assert reporting.asked() == 0, "nothing to report yet"
    reporting.ends()
    reporting.report()
    assert reporting.comments() == []
    assert reporting.wrote() == ["POST /pulls", "POST /check-runs"]
    (check,) = reporting.shop.checks.values()
    assert check["details_url"] == reporting.run().status.pull_request_url


def test_a_run_of_a_repository_on_another_host_only_comments_on_its_issue() -> None:
    reporting = ReportBench(repositoryUrl="https://git.example/shop.git")
    reporting.succeeds()
    reporting.report()
    assert reporting.wrote() == [f"POST /issues/{reporting.issue}/comments"], "only the comment on the requesting issue"
    assert reporting.run().status.pull_request_url is None


def test_the_comment_of_a_queued_run_shows_its_position(reporting: ReportBench) -> None:
    reporting.world.configure(limits=reporting.settings.limits.model_copy(update={"runs": 0}))
    reporting.starts()
    assert reporting.run().status.phase == "Queued"
    reporting.report()
    assert "- In the queue: 1 of 1 when this was written" in reporting.comment()


def test_a_run_without_changes_has_no_pull_request(reporting: ReportBench) -> None:
    reporting.works()
    reporting.ends(None, reason="NoChanges", message="it is documented already")
    reporting.report()
    assert reporting.wrote() == [f"POST /issues/{reporting.issue}/comments"]
    assert "**Succeeded** (`NoChanges`)" in reporting.comment()
    assert "it is documented already" in reporting.comment()


# Existing comments, pull requests and checks ------------------------------------------------------------------------


def test_the_pull_request_that_the_attempt_opened_is_used(reporting: ReportBench) -> None:
    reporting.works()
    reporting.ends()
    opened = reporting.shop.open_pull(reporting.branch, by="5dlabs-rex[bot]")
    reporting.report()
    assert reporting.run().status.pull_request_url == opened["html_url"]
    assert len(reporting.shop.pulls) == 1


def test_comments_of_others_with_the_marker_are_not_edited(reporting: ReportBench) -> None:
    app = reporting.github.app.shown()
    forged = f"{marker(reporting.made.uid)}\nforged"
    theirs = [
        reporting.shop.comment(reporting.issue, forged, by="mallory"),
        reporting.shop.comment(reporting.issue, forged, by="mallory", app=app),  # a person, by means of the App
        reporting.shop.comment(reporting.issue, forged, by="other[bot]", app={"id": 99, "slug": "other"}),
        reporting.shop.comment(
            reporting.issue, f"> {forged}", by="5dlabs-rex[bot]", app=app
        ),  # ours, about something else
    ]
    reporting.succeeds()
    reporting.report()
    assert [each["body"] for each in theirs] == [forged] * 3 + [f"> {forged}"]
    reporting.check_reported()


def test_an_app_configured_by_its_client_id_finds_its_comments() -> None:
    reporting = ReportBench(client_id=True)
    reporting.succeeds()
    for _ in range(3):
        without = {"metadata": {"annotations": {SYNC_RECORD: None}}}
        reporting.world.kubelet.patch(CODE_RUN, NAMESPACE, reporting.made.name, without)
        assert reporting.report() == 204
    reporting.check_reported()


def test_duplicate_comments_are_removed_and_a_deleted_one_is_recreated(reporting: ReportBench) -> None:
    app = reporting.github.app.shown()
    twins = [
        reporting.shop.comment(reporting.issue, marker(reporting.made.uid), "5dlabs-rex[bot]", app) for _ in range(2)
    ]
    reporting.works()
    reporting.report()
    assert [each["id"] for each in reporting.comments()] == [twins[0]["id"]]
    del reporting.shop.comments[twins[0]["id"]]
    reporting.ends()
    reporting.report()
    reporting.check_reported()


def test_a_duplicate_check_run_is_concluded(reporting: ReportBench) -> None:
    reporting.succeeds()
    reporting.report()
    (first,) = reporting.shop.checks.values()
    twin = {**first, "id": first["id"] + 500, "status": "in_progress", "conclusion": None}
    reporting.shop.checks[twin["id"]] = twin
    reporting.asks(contextVersion=2)
    reporting.works()
    reporting.ends(SECOND)
    reporting.report()
    said = [(each["head_sha"], each["conclusion"]) for each in reporting.shop.checks.values()]
    assert sorted(said) == [(FIRST, "neutral"), (FIRST, "success"), (SECOND, "success")]


# Another attempt ----------------------------------------------------------------------------------------------------


def test_a_retry_keeps_comment_and_pull_request_and_moves_the_check(reporting: ReportBench) -> None:
    reporting.succeeds()
    reporting.report()
    before = [each["id"] for each in reporting.comments()]
    reporting.asks(contextVersion=2)
    reporting.works()
    reporting.report()
    assert reporting.checks() == {FIRST: ("in_progress", None)}
    assert "- Attempt: 2" in reporting.comment()
    reporting.ends(SECOND)
    reporting.report()
    assert reporting.checks() == {FIRST: ("completed", "neutral"), SECOND: ("completed", "success")}
    assert [each["id"] for each in reporting.comments()] == before
    assert len(reporting.shop.pulls) == 1


def test_an_attempt_after_a_merge_opens_a_new_pull_request(reporting: ReportBench) -> None:
    reporting.succeeds()
    reporting.report()
    (first,) = reporting.shop.pulls.values()
    first |= {"state": "closed", "merged": True}
    _merged(reporting)
    assert reporting.report() == 204
    assert len(reporting.shop.pulls) == 1, "a merged pull request is not opened again"
    reporting.world.later(minutes=5)
    reporting.asks(contextVersion=2)
    reporting.works()
    reporting.ends(SECOND)
    reporting.report()
    assert len(reporting.shop.pulls) == 2
    assert reporting.run().status.pull_request_url == list(reporting.shop.pulls.values())[1]["html_url"]


def _merged(reporting: ReportBench) -> None:
    run = reporting.run()
    url = run.status.pull_request_url or ""
    merged = pull_request.set_pull_request(run.status, url, "Merged", run.generation, reporting.world.now)
    reporting.world.kubelet.replace_status(CODE_RUN, run.to_status_update(merged))


def test_the_comment_links_to_the_console_and_the_pull_request_has_cost_and_time(reporting: ReportBench) -> None:
    console = reporting.settings.console.model_copy(update={"url": "https://console.example/"})
    reporting.settings = reporting.settings.model_copy(update={"console": console})
    reporting.succeeds()
    assert reporting.report() == 204
    assert f"- Console: <https://console.example/runs/code/{reporting.made.name}>" in reporting.comment()
    (pull,) = reporting.shop.pulls.values()
    assert "- Used: $0.12, 14 turns\n- Took: 1m" in pull["body"]
