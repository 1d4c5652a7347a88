"""Reports to GitHub about a deleted run; the deletion never waits for GitHub.

| case                                           | expected                                                       |
|------------------------------------------------|----------------------------------------------------------------|
| the run is deleted                             | comment and check run are closed                               |
| GitHub is down, or refuses                     | the deletion completes, in one try                             |
| it was never synced                            | no call                                                        |
| it is deleted during a sync                    | the comment says so in the end                                 |
"""

import pytest

from functions.handlers import reconcile
from tests.github.report_bench import FIRST, Newsroom, goes_on, stands_still
from tests.support.run_steps import event


def test_a_deleted_run_is_closed_on_github(room: Newsroom) -> None:
    room.works()
    room.report()
    room.deletes()
    _reconciled(room)
    assert room.gone()
    assert "**Deleted**" in room.comment()


def test_the_check_of_a_deleted_run_is_concluded(room: Newsroom) -> None:
    room.succeeds()
    room.report()
    room.asks(contextVersion=2)
    room.works()
    room.report()
    assert room.checks() == {FIRST: ("in_progress", None)}
    room.deletes()
    _reconciled(room)
    assert room.gone()
    assert room.checks() == {FIRST: ("completed", "cancelled")}
    assert len(room.shop.pulls) == 1


@pytest.mark.parametrize("status", [502, 403, 404, 0])
def test_a_deletion_completes_after_one_try_whatever_github_answers(room: Newsroom, status: int) -> None:
    room.works()
    room.report()
    room.github.fails("comments", status, times=100)
    asked = len(room.github.asked("comments"))
    room.deletes()
    _reconciled(room)
    assert room.gone()
    assert len(room.github.asked("comments")) - asked <= 2


def test_a_run_that_was_never_synced_is_deleted_without_a_call(room: Newsroom) -> None:
    room.starts()
    room.deletes()
    _reconciled(room)
    assert room.gone()
    assert room.asked() == 0


@pytest.mark.parametrize("at", range(1, 12))
def test_a_run_deleted_during_its_sync_ends_as_deleted(room: Newsroom, at: int) -> None:
    room.works()
    slow = stands_still(room, room.run().raw, at)
    room.deletes()
    _reconciled(room)
    goes_on(slow)
    assert room.gone()
    assert all("**Deleted**" in each["body"] for each in room.comments())
    assert len(room.comments()) == len([call for call in room.wrote() if call.startswith("POST")])


def _reconciled(room: Newsroom) -> None:
    reconcile.handle(room.services(), event(room.run().raw))
