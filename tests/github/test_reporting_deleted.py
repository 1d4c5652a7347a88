"""Reports to GitHub about a deleted run; the deletion never waits for GitHub."""

import pytest

from functions.handlers import reconcile
from tests.github.report_bench import FIRST, ReportBench, run_to_end, stopped_report
from tests.support.run_steps import event


def test_a_deleted_run_is_closed_on_github(reporting: ReportBench) -> None:
    reporting.works()
    reporting.report()
    reporting.deletes()
    _reconciled(reporting)
    assert reporting.gone()
    assert "**Deleted**" in reporting.comment()


def test_the_check_of_a_deleted_run_is_concluded(reporting: ReportBench) -> None:
    reporting.succeeds()
    reporting.report()
    reporting.asks(contextVersion=2)
    reporting.works()
    reporting.report()
    assert reporting.checks() == {FIRST: ("in_progress", None)}
    reporting.deletes()
    _reconciled(reporting)
    assert reporting.gone()
    assert reporting.checks() == {FIRST: ("completed", "cancelled")}
    assert len(reporting.shop.pulls) == 1


@pytest.mark.parametrize("status", [502, 403, 404, 0])
def test_a_deletion_completes_after_one_try_whatever_github_answers(reporting: ReportBench, status: int) -> None:
    reporting.works()
    reporting.report()
    reporting.github.fails("comments", status, times=100)
    asked = len(reporting.github.asked("comments"))
    reporting.deletes()
    _reconciled(reporting)
    assert reporting.gone()
    assert len(reporting.github.asked("comments")) - asked <= 2


def test_a_run_that_was_never_synced_is_deleted_without_a_call(reporting: ReportBench) -> None:
    reporting.starts()
    reporting.deletes()
    _reconciled(reporting)
    assert reporting.gone()
    assert reporting.asked() == 0


@pytest.mark.parametrize("at", range(1, 12))
def test_a_run_deleted_during_its_sync_ends_as_deleted(reporting: ReportBench, at: int) -> None:
    reporting.works()
    slow = stopped_report(reporting, reporting.run().raw, at)
    reporting.deletes()
    _reconciled(reporting)
    run_to_end(slow)
    assert reporting.gone()
    assert all("**Deleted**" in each["body"] for each in reporting.comments())
    assert len(reporting.comments()) == len([call for call in reporting.wrote() if call.startswith("POST")])


def _reconciled(reporting: ReportBench) -> None:
    reconcile.handle(reporting.services(), event(reporting.run().raw))
