"""Reports that GitHub refuses for good: the run ends nevertheless.

| case                                          | expected                                                       |
|-----------------------------------------------|----------------------------------------------------------------|
| no App, nothing to compare, no permission     | the run succeeds; its message has the compare link, once       |
| the issue is locked or deleted                | logged once with what to do; the other parts are reported      |
| an agent's message contains markup            | shown as text                                                  |
| no App is configured                          | no call                                                        |
"""

import logging

import pytest

from tests.github.report_bench import FIRST, ON_GITHUB, Newsroom


def test_a_run_without_the_app_succeeds_and_names_the_compare_link(
    room: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    room.shop.installation = None
    room.works()
    compare = f"https://127.0.0.1:1/acme/shop/compare/main...{room.branch}?expand=1"
    room.ends(message=f"pushed {room.branch}. No pull request was opened; to open one: {compare}")
    with caplog.at_level(logging.INFO, "orchestrator"):
        assert room.report() == 204
    run = room.run()
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
    asked = room.asked()
    for _ in range(3):
        assert room.report() == 204
    room.world.later(minutes=2)
    room.hourly()
    assert room.asked() == asked, "it counts as reported"


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "deleted"])
def test_a_locked_or_deleted_issue_is_logged_once_and_the_rest_synced(
    room: Newsroom, caplog: pytest.LogCaptureFixture, locked: bool
) -> None:
    if locked:
        room.shop.issues[room.issue]["locked"] = True
    else:
        del room.shop.issues[room.issue]
    with caplog.at_level(logging.INFO, "orchestrator"):
        room.works()
        room.world.later(minutes=11)  # GitHub may not show a new issue sooner
        assert room.report() == 204
        room.ends()
        room.world.later(minutes=11)
        assert room.report() == 204
    warned = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warned) == 1
    assert ("locked" if locked else "deleted") in warned[0]
    assert room.checks() == {FIRST: ("completed", "success")}
    assert len(room.shop.pulls) == 1
    assert room.run().is_marked_finished


def test_a_deleted_branch_gets_no_pull_request(room: Newsroom) -> None:
    room.succeeds()
    del room.shop.branches[room.branch]
    room.world.later(minutes=11)  # GitHub may not show a new branch sooner
    assert room.report() == 204
    assert "No pull request was opened" in (room.run().status.message or "")
    assert "No pull request was opened" in room.comment()


def test_markup_in_an_agents_message_is_shown_as_text(room: Newsroom) -> None:
    room.works()
    room.ends(message="```\n@acme/all <!-- orchestrator:run=x --> [link](https://evil.example)\u202e\n````")
    room.report()
    fence = "`" * 5
    before, inside, after = room.comment().split(fence)
    assert "@acme/all" in inside
    assert "@" not in before + after
    assert "evil" not in before + after
    assert "\u202e" not in room.comment()


def test_a_report_without_an_app_makes_no_call(room: Newsroom) -> None:
    room.succeeds()
    room.world.calls.calls.clear()
    assert room.report(services=room.without_github()) == 204
    assert room.world.calls.calls == []
    assert ON_GITHUB not in [call.path for call in room.world.calls.calls]
    assert room.asked() == 0
