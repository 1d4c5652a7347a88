"""Reports to GitHub while it is down or refuses: complete once it is back, and the run never waits for them."""

import pytest

from tests.github.report_bench import ReportBench


def test_a_run_that_ends_while_github_is_down_is_synced_afterwards(reporting: ReportBench) -> None:
    reporting.github.fails(".", 502, times=10_000)
    reporting.works()
    first = reporting.run().raw
    assert reporting.report(first) == 503
    reporting.ends()
    reporting.world.later(minutes=1)
    assert (reporting.report(), reporting.report(first)) == (204, 503), "one event is redelivered for the whole report"
    run = reporting.run()
    assert (run.status.phase, run.is_marked_finished) == ("Succeeded", True)
    for _ in range(24):
        reporting.world.later(hours=1)
        reporting.sweep(), reporting.hourly()
    assert reporting.wrote() == []
    reporting.github.troubles.failures.clear()
    reporting.world.later(hours=1)
    assert (reporting.hourly().body or {})["data"]["reported"] == 1
    reporting.check_reported()


def test_lease_writes_while_github_is_down_do_not_multiply_events(reporting: ReportBench) -> None:
    """Every event is delivered, and redelivered while it is refused, as the queue does."""
    reporting.github.fails(".", 502, times=10_000)
    reporting.works()
    queue, delivered = [reporting.run().raw], 0
    for _ in range(20):
        reporting.world.later(seconds=30)
        again = []
        for raw in queue:
            before = reporting.run().resource_version
            delivered += 1
            again += [raw] if reporting.report(raw) == 503 else []
            after = reporting.run()
            again += [after.raw] if after.resource_version != before else []
        queue = again
    assert len(queue) <= 2
    assert delivered <= 2 * 20
    reporting.github.troubles.failures.clear()
    reporting.world.later(seconds=30)
    assert [reporting.report(raw) for raw in queue].count(503) == 0
    assert "**Running**" in reporting.comment()


def test_github_is_not_called_before_the_time_it_asked_for(reporting: ReportBench) -> None:
    reporting.works()
    raw = reporting.run().raw
    reporting.github.fails("comments", 429, Retry_After="600")
    assert reporting.report(raw) == 503
    asked = reporting.asked()
    for _ in range(5):
        reporting.world.later(seconds=100)
        assert reporting.report(raw, reporting.services(reporting.both)) == 503, "another process waits too"
        reporting.sweep(reporting.services(reporting.both))
    assert len([each for each in reporting.github.calls[asked:] if "deliveries" not in each.path]) == 0
    reporting.world.later(seconds=120)
    assert reporting.report(raw) == 204
    assert "**Running**" in reporting.comment()


@pytest.mark.parametrize("call", ["POST .*/comments", "POST .*/pulls", "POST .*/check-runs", "PATCH .*/comments"])
def test_a_lost_answer_creates_nothing_twice(reporting: ReportBench, call: str) -> None:
    reporting.github.fails(call, 0, applied=True)
    codes = []
    for step in (reporting.works, reporting.ends):
        step()
        raw = reporting.run().raw
        for _ in range(2):
            codes.append(reporting.report(raw))
            reporting.world.later(seconds=11)
    assert codes.count(503) == 1
    reporting.check_reported()


def test_the_sweep_reports_a_run_without_an_event(reporting: ReportBench) -> None:
    reporting.works()
    reporting.world.later(minutes=1)
    reporting.sweep()
    assert "**Running**" in reporting.comment()


def test_one_failure_of_github_ends_the_reports_of_a_sweep(reporting: ReportBench) -> None:
    reporting.works()
    reporting.github.fails("comments", 502, times=100)
    reporting.world.later(minutes=1)
    found = reporting.sweep().body or {}
    assert found["data"]["failed"] == [reporting.made.key]
    assert len(reporting.github.asked("comments")) == 1
