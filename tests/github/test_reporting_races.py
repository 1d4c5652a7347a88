"""Concurrent, stopped and crashed reporters: comment, pull request and check exist once and are current in the end."""

import itertools
from contextlib import suppress

import pytest

from functions.cluster.kinds import RUNS
from functions.cluster.transport import Transport
from functions.runs.model.status import RunStatus
from tests.github.report_bench import ReportBench, run_to_end, stopped_report
from tests.support.actors import Actor, in_order
from tests.support.crashing import CrashingTransport, Killed

MOST_CALLS = 60


def _crashed(at: int, after: bool, again: str) -> ReportBench | None:
    """Return a run with a report killed at that call; None if there is no such call."""
    reporting, sent = ReportBench(), 0
    died = False
    for step in (reporting.starts, reporting.works, reporting.ends):
        step()
        raw = reporting.run().raw
        fatal = CrashingTransport(reporting.both, MOST_CALLS if died else at - sent, after)
        try:
            reporting.report(raw, reporting.services(fatal))
        except Killed:
            died = True
            reporting.world.later(minutes=3)
            if again == "event":
                assert reporting.report(raw) == 204
        sent += fatal.sent
    if died and again != "event":
        reporting.world.later(hours=1)
        reporting.sweep(), reporting.hourly()
    return reporting if died else None


@pytest.mark.parametrize("again", ["event", "sweep"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_sync_completes_once_after_a_crash_at_any_call(after: bool, again: str) -> None:
    tried = 0
    for at in range(MOST_CALLS):
        reporting = _crashed(at, after, again)
        if reporting is None:
            break
        tried += 1
        reporting.check_reported()
    assert 20 <= tried < MOST_CALLS


def _at_once(order: tuple[int, ...]) -> tuple[ReportBench, tuple[int, ...]]:
    """Interleave two reports of the end of a run in that order; then deliver the event once more."""
    reporting = ReportBench()
    reporting.succeeds()
    raw = reporting.run().raw

    def work(transport: Transport) -> None:
        reporting.report(raw, reporting.services(transport))

    taken = in_order([Actor(reporting.both, work) for _ in range(2)], order)
    reporting.world.later(seconds=11)
    reporting.report(raw)
    return reporting, taken


def test_two_concurrent_reporters_create_everything_once() -> None:
    tried = set()
    for i, j in itertools.product(range(1, 16), (1, 2, 3, 99)):
        reporting, taken = _at_once((0,) * i + (1,) * j + (0,) * 99)
        if taken not in tried:
            tried.add(taken)
            reporting.check_reported()
            assert reporting.wrote().count("POST /pulls") == reporting.wrote().count("POST /check-runs") == 1
    assert len(tried) >= 15


def test_a_reporter_stopped_beyond_its_lease_leaves_a_correct_report() -> None:
    for at in range(1, 14):
        reporting = ReportBench()
        reporting.succeeds()
        raw = reporting.run().raw
        slow = stopped_report(reporting, raw, at)
        reporting.world.later(minutes=3)
        assert reporting.report(raw) == 204, "the redelivery"
        run_to_end(slow)
        reporting.world.later(seconds=11)
        reporting.report(raw)
        reporting.check_reported(checks=2)


@pytest.mark.parametrize("at", range(1, 10))
@pytest.mark.parametrize("known", [False, True], ids=["no comment yet", "a comment"])
def test_a_late_write_of_an_earlier_state_is_synced_again(reporting: ReportBench, known: bool, at: int) -> None:
    if known:
        reporting.starts()
        assert reporting.report() == 204
    reporting.works()
    earlier = reporting.run().raw
    slow = stopped_report(reporting, earlier, at)
    reporting.ends()
    reporting.world.later(minutes=3)
    assert reporting.report(earlier) == 204, "the redelivery"
    run_to_end(slow)
    reporting.world.later(minutes=1)
    reporting.report(earlier)
    reporting.check_reported()


def test_a_run_that_moves_on_during_its_sync_is_synced_in_its_new_state(reporting: ReportBench) -> None:
    reporting.works()
    slow = stopped_report(reporting, reporting.run().raw, 5)
    reporting.ends()
    assert reporting.report() == 204, "the process that holds the lease reports it"
    assert not reporting.comments()
    run_to_end(slow)
    assert "**Succeeded**" in reporting.comment()
    reporting.check_reported()


@pytest.mark.parametrize("at", range(1, 6))
def test_a_run_that_returns_to_the_state_synced_before_a_crash_is_synced_again(reporting: ReportBench, at: int) -> None:
    reporting.works()
    assert reporting.report() == 204
    comment, before = reporting.comment(), reporting.run().status
    _says(reporting, before.model_copy(update={"message": "something else"}))
    with suppress(Killed):
        reporting.report(services=reporting.services(CrashingTransport(reporting.both, at, True)))
    _says(reporting, before)
    reporting.world.later(minutes=9)
    reporting.report()
    assert reporting.comment() == comment


def _says(reporting: ReportBench, status: RunStatus) -> None:
    run = reporting.run()
    reporting.world.kubelet.replace_status(RUNS[run.kind], run.to_status_update(status))
