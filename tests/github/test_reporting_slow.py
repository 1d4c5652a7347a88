"""Reports to a slow GitHub: as much as time permits; the next report continues."""

from collections import Counter
from datetime import timedelta

import pytest

from functions.queues.topics import ACK_DEADLINE
from functions.reporting.github.sync import SYNC_TIME_LIMIT
from functions.runs import github_sync_state
from functions.sweeper.scan import BUDGET
from tests.github.report_bench import FIRST, ReportBench
from tests.github.slow import Slow, forget, with_commits

SECOND = "d" * 40
COMMITS = 20
MOST = 3 * COMMITS
"""More reports than any case takes."""
IDLE = github_sync_state.MIN_BACKOFF + timedelta(seconds=1)


def unreported(reporting: ReportBench) -> None:
    """End the run with one more commit, while the check runs on all earlier commits are in progress."""
    with_commits(reporting, COMMITS)
    (check,) = reporting.shop.checks.values()
    for commit in github_sync_state.commits(reporting.run())[:-1]:
        twin = {**check, "id": check["id"] + 500 + int(commit, 16), "head_sha": commit}
        reporting.shop.checks[twin["id"]] = twin
    reporting.ends(SECOND)


def test_a_report_reads_no_commit_with_concluded_checks(reporting: ReportBench) -> None:
    with_commits(reporting, COMMITS)
    reporting.report()
    before = reporting.asked()
    reporting.ends(SECOND)
    assert reporting.report() == 204
    assert reporting.asked() - before == 5, "edit the comment; list and create; list and conclude"
    assert reporting.checks() == {FIRST: ("completed", "neutral"), SECOND: ("completed", "success")}


def test_without_a_record_of_concluded_checks_each_commit_is_read_once(reporting: ReportBench) -> None:
    unreported(reporting)
    before = reporting.asked()
    assert reporting.report() == 204
    assert reporting.asked() - before == 4 + 2 * COMMITS
    forget(reporting)
    before = reporting.asked()
    assert reporting.report() == 204
    assert reporting.asked() - before == 2 + COMMITS, "everything is current"


@pytest.mark.parametrize("late", [False, True], ids=["not made", "made late"])
@pytest.mark.parametrize("seconds", [1, 4, 7])
def test_each_report_ends_in_time_and_the_next_continues(reporting: ReportBench, seconds: float, late: bool) -> None:
    unreported(reporting)
    slow, wrote, codes = Slow(reporting, seconds, late), len(reporting.wrote()), [0]
    services, raw = reporting.services(slow), reporting.run().raw
    while codes[-1] != 204 and len(codes) < MOST:
        before = reporting.world.now
        codes.append(reporting.report(raw, services))
        assert reporting.world.now - before <= SYNC_TIME_LIMIT
        reporting.world.later(seconds=IDLE.total_seconds())
    assert codes[-2:] == [503, 204]
    assert {status for status, _ in reporting.checks().values()} == {"completed"}
    assert reporting.checks()[SECOND] == ("completed", "success")
    assert "**Succeeded**" in reporting.comment()
    written = Counter(reporting.wrote()[wrote:])
    assert (len(written), set(written.values())) == (2 + COMMITS, {1}), "each written once"
    asked = slow.calls
    assert reporting.report(raw, services) == 204
    assert slow.calls == asked


def test_each_hourly_pass_ends_in_time_and_the_next_continues(reporting: ReportBench) -> None:
    unreported(reporting)
    slow, reported = Slow(reporting, 2), 0
    services = reporting.services(slow)
    for _ in range(MOST):
        reporting.world.later(minutes=20)
        before = reporting.world.now
        counts = (reporting.hourly(services).body or {})["data"]
        assert reporting.world.now - before <= SYNC_TIME_LIMIT
        reported += counts.get("reported", 0)
        if not counts:
            break
    assert reported == 1
    assert {status for status, _ in reporting.checks().values()} == {"completed"}


def test_the_ack_deadline_covers_a_pass_and_one_more_sync() -> None:
    assert timedelta(seconds=ACK_DEADLINE) > BUDGET + SYNC_TIME_LIMIT


def test_a_report_to_a_silent_github_ends_after_the_sync_time_limit(reporting: ReportBench) -> None:
    reporting.works()
    raw, slow, before = reporting.run().raw, Slow(reporting, 60), reporting.world.now
    assert reporting.report(raw, reporting.services(slow)) == 503
    assert (slow.calls, reporting.world.now - before) == (1, SYNC_TIME_LIMIT)
    reporting.ends()
    assert reporting.run().status.phase == "Succeeded"
    reporting.world.later(seconds=IDLE.total_seconds())
    assert reporting.report(raw) == 204
    reporting.check_reported()
