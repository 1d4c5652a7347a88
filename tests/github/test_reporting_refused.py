"""Reports that GitHub refuses for good: the run ends nevertheless."""

import logging

import pytest

from tests.github.report_bench import FIRST, ON_GITHUB, ReportBench


def test_a_run_without_the_app_succeeds_and_names_the_compare_link(
    reporting: ReportBench, caplog: pytest.LogCaptureFixture
) -> None:
    reporting.shop.installation = None
    reporting.works()
    compare = f"https://127.0.0.1:1/acme/shop/compare/main...{reporting.branch}?expand=1"
    reporting.ends(message=f"pushed {reporting.branch}. No pull request was opened; to open one: {compare}")
    with caplog.at_level(logging.INFO, "orchestrator"):
        assert reporting.report() == 204
    run = reporting.run()
    assert run.status.phase == "Succeeded"
    assert run.is_marked_finished
    assert run.status.message
    assert run.status.message.count(compare) == run.status.message.count("No pull request was opened") == 1
    assert "install the App" in run.status.message
    assert run.status.succeeded
    assert run.status.succeeded.message == run.status.message
    warned = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warned) == 3, "pull request, comment, check run"
    assert all("install the App" in each for each in warned)
    asked = reporting.asked()
    for _ in range(3):
        assert reporting.report() == 204
    reporting.world.later(minutes=2)
    reporting.hourly()
    assert reporting.asked() == asked, "it counts as reported"


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "deleted"])
def test_a_locked_or_deleted_issue_is_logged_once_and_the_rest_synced(
    reporting: ReportBench, caplog: pytest.LogCaptureFixture, locked: bool
) -> None:
    if locked:
        reporting.shop.issues[reporting.issue]["locked"] = True
    else:
        del reporting.shop.issues[reporting.issue]
    with caplog.at_level(logging.INFO, "orchestrator"):
        reporting.works()
        reporting.world.later(minutes=11)  # GitHub may not show a new issue sooner
        assert reporting.report() == 204
        reporting.ends()
        reporting.world.later(minutes=11)
        assert reporting.report() == 204
    warned = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warned) == 1
    assert ("locked" if locked else "deleted") in warned[0]
    assert reporting.checks() == {FIRST: ("completed", "success")}
    assert len(reporting.shop.pulls) == 1
    assert reporting.run().is_marked_finished


def test_a_deleted_branch_gets_no_pull_request(reporting: ReportBench) -> None:
    reporting.succeeds()
    del reporting.shop.branches[reporting.branch]
    reporting.world.later(minutes=11)  # GitHub may not show a new branch sooner
    assert reporting.report() == 204
    assert "No pull request was opened" in (reporting.run().status.message or "")
    assert "No pull request was opened" in reporting.comment()


def test_markup_in_an_agents_message_is_shown_as_text(reporting: ReportBench) -> None:
    reporting.works()
    reporting.ends(message="```\n@acme/all <!-- orchestrator:run=x --> [link](https://evil.example)\u202e\n````")
    reporting.report()
    fence = "`" * 5
    before, inside, after = reporting.comment().split(fence)
    assert "@acme/all" in inside
    assert "@" not in before + after
    assert "evil" not in before + after
    assert "\u202e" not in reporting.comment()


def test_a_report_without_an_app_makes_no_call(reporting: ReportBench) -> None:
    reporting.succeeds()
    reporting.world.calls.calls.clear()
    assert reporting.report(services=reporting.without_github()) == 204
    assert reporting.world.calls.calls == []
    assert ON_GITHUB not in [call.path for call in reporting.world.calls.calls]
    assert reporting.asked() == 0
