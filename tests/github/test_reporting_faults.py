"""Reports to GitHub while it is down or refuses: complete once it is back, and the run never waits for them.

| case                                           | expected                                                       |
|------------------------------------------------|----------------------------------------------------------------|
| GitHub is down for a day                       | the run ends; the hourly pass reports it afterwards            |
| refused events are redelivered, with the events | no more deliveries than events of the run                     |
| of the lease writes                            |                                                                |
| GitHub asks to wait                            | it is not called before                                        |
| an answer is lost                              | nothing is created twice                                       |
| no event arrives; GitHub refuses a sweep       | the sweep reports; one refusal ends its reports                |
"""

import pytest

from tests.github.report_bench import Newsroom


def test_a_run_that_ends_while_github_is_down_is_synced_afterwards(room: Newsroom) -> None:
    room.github.fails(".", 502, times=10_000)
    room.works()
    first = room.run().raw
    assert room.report(first) == 503
    room.ends()
    room.world.later(minutes=1)
    assert (room.report(), room.report(first)) == (204, 503), "one event is redelivered for the whole report"
    run = room.run()
    assert (run.status.phase, run.is_marked_finished) == ("Succeeded", True)
    for _ in range(24):
        room.world.later(hours=1)
        room.sweep(), room.hourly()
    assert room.wrote() == []
    room.github.troubles.failures.clear()
    room.world.later(hours=1)
    assert (room.hourly().body or {})["data"]["reported"] == 1
    room.check_told()


def test_lease_writes_while_github_is_down_do_not_multiply_events(room: Newsroom) -> None:
    """Every event is delivered, and redelivered while it is refused, as the queue does."""
    room.github.fails(".", 502, times=10_000)
    room.works()
    queue, delivered = [room.run().raw], 0
    for _ in range(20):
        room.world.later(seconds=30)
        again = []
        for raw in queue:
            before = room.run().resource_version
            delivered += 1
            again += [raw] if room.report(raw) == 503 else []
            after = room.run()
            again += [after.raw] if after.resource_version != before else []
        queue = again
    assert len(queue) <= 2
    assert delivered <= 2 * 20
    room.github.troubles.failures.clear()
    room.world.later(seconds=30)
    assert [room.report(raw) for raw in queue].count(503) == 0
    assert "**Running**" in room.comment()


def test_github_is_not_called_before_the_time_it_asked_for(room: Newsroom) -> None:
    room.works()
    raw = room.run().raw
    room.github.fails("comments", 429, Retry_After="600")
    assert room.report(raw) == 503
    asked = room.asked()
    for _ in range(5):
        room.world.later(seconds=100)
        assert room.report(raw, room.services(room.both)) == 503, "another process waits too"
        room.sweep(room.services(room.both))
    assert len([each for each in room.github.calls[asked:] if "deliveries" not in each.path]) == 0
    room.world.later(seconds=120)
    assert room.report(raw) == 204
    assert "**Running**" in room.comment()


@pytest.mark.parametrize("call", ["POST .*/comments", "POST .*/pulls", "POST .*/check-runs", "PATCH .*/comments"])
def test_a_lost_answer_creates_nothing_twice(room: Newsroom, call: str) -> None:
    room.github.fails(call, 0, applied=True)
    codes = []
    for step in (room.works, room.ends):
        step()
        raw = room.run().raw
        for _ in range(2):
            codes.append(room.report(raw))
            room.world.later(seconds=11)
    assert codes.count(503) == 1
    room.check_told()


def test_the_sweep_reports_a_run_without_an_event(room: Newsroom) -> None:
    room.works()
    room.world.later(minutes=1)
    room.sweep()
    assert "**Running**" in room.comment()


def test_one_failure_of_github_ends_the_reports_of_a_sweep(room: Newsroom) -> None:
    room.works()
    room.github.fails("comments", 502, times=100)
    room.world.later(minutes=1)
    found = room.sweep().body or {}
    assert found["data"]["failed"] == [room.made.key]
    assert len(room.github.asked("comments")) == 1
