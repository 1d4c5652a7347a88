"""Reports to a slow GitHub: as much as time permits; the next report continues.

| GitHub                                         | expected                                                       |
|------------------------------------------------|----------------------------------------------------------------|
| is fast, and the run has many commits          | only the last commit and the one before it are read            |
| is slow, and the run has many commits          | each event and pass ends in time; the next continues           |
| is so slow that the client gives up            | late writes are found and not repeated                         |
| does not answer at all                         | the event is redelivered until it answers                      |
"""

from collections import Counter
from datetime import timedelta

import pytest

from functions.queues.topics import ACK_DEADLINE
from functions.reporting.github.sync import SYNC_TIME_LIMIT
from functions.runs import github_sync_state
from functions.sweeper.scan import BUDGET
from tests.github.report_bench import FIRST, Newsroom
from tests.github.slow import Slow, forget, with_commits

SECOND = "d" * 40
COMMITS = 20
MOST = 3 * COMMITS
"""More reports than any case takes."""
IDLE = github_sync_state.MIN_BACKOFF + timedelta(seconds=1)


def untold(room: Newsroom) -> None:
    """End the run with one more commit, while the check runs on all earlier commits are in progress."""
    with_commits(room, COMMITS)
    (check,) = room.shop.checks.values()
    for commit in github_sync_state.commits(room.run())[:-1]:
        twin = {**check, "id": check["id"] + 500 + int(commit, 16), "head_sha": commit}
        room.shop.checks[twin["id"]] = twin
    room.ends(SECOND)


def test_a_report_reads_no_commit_with_concluded_checks(room: Newsroom) -> None:
    with_commits(room, COMMITS)
    room.report()
    before = room.asked()
    room.ends(SECOND)
    assert room.report() == 204
    assert room.asked() - before == 5, "edit the comment; list and create; list and conclude"
    assert room.checks() == {FIRST: ("completed", "neutral"), SECOND: ("completed", "success")}


def test_without_a_record_of_concluded_checks_each_commit_is_read_once(room: Newsroom) -> None:
    untold(room)
    before = room.asked()
    assert room.report() == 204
    assert room.asked() - before == 4 + 2 * COMMITS
    forget(room)
    before = room.asked()
    assert room.report() == 204
    assert room.asked() - before == 2 + COMMITS, "everything is current"


@pytest.mark.parametrize("late", [False, True], ids=["not made", "made late"])
@pytest.mark.parametrize("seconds", [1, 4, 7])
def test_each_report_ends_in_time_and_the_next_continues(room: Newsroom, seconds: float, late: bool) -> None:
    untold(room)
    slow, wrote, codes = Slow(room, seconds, late), len(room.wrote()), [0]
    services, raw = room.services(slow), room.run().raw
    while codes[-1] != 204 and len(codes) < MOST:
        before = room.world.now
        codes.append(room.report(raw, services))
        assert room.world.now - before <= SYNC_TIME_LIMIT
        room.world.later(seconds=IDLE.total_seconds())
    assert codes[-2:] == [503, 204]
    assert {status for status, _ in room.checks().values()} == {"completed"}
    assert room.checks()[SECOND] == ("completed", "success")
    assert "**Succeeded**" in room.comment()
    written = Counter(room.wrote()[wrote:])
    assert (len(written), set(written.values())) == (2 + COMMITS, {1}), "each written once"
    asked = slow.calls
    assert room.report(raw, services) == 204
    assert slow.calls == asked


def test_each_hourly_pass_ends_in_time_and_the_next_continues(room: Newsroom) -> None:
    untold(room)
    slow, reported = Slow(room, 2), 0
    services = room.services(slow)
    for _ in range(MOST):
        room.world.later(minutes=20)
        before = room.world.now
        counts = (room.hourly(services).body or {})["data"]
        assert room.world.now - before <= SYNC_TIME_LIMIT
        reported += counts.get("reported", 0)
        if not counts:
            break
    assert reported == 1
    assert {status for status, _ in room.checks().values()} == {"completed"}


def test_the_ack_deadline_covers_a_pass_and_one_more_sync() -> None:
    assert timedelta(seconds=ACK_DEADLINE) > BUDGET + SYNC_TIME_LIMIT


def test_a_report_to_a_silent_github_ends_after_the_sync_time_limit(room: Newsroom) -> None:
    room.works()
    raw, slow, before = room.run().raw, Slow(room, 60), room.world.now
    assert room.report(raw, room.services(slow)) == 503
    assert (slow.calls, room.world.now - before) == (1, SYNC_TIME_LIMIT)
    room.ends()
    assert room.run().status.phase == "Succeeded"
    room.world.later(seconds=IDLE.total_seconds())
    assert room.report(raw) == 204
    room.check_told()
