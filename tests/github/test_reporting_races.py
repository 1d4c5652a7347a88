"""Concurrent, stopped and crashed reporters: comment, pull request and check exist once and are current in the end.

| case                                           | expected                                                       |
|------------------------------------------------|----------------------------------------------------------------|
| a crash at any call                            | the redelivered event, or the sweep alone, completes the sync  |
| two reporters at once, in any order            | one of them reports                                            |
| one stops until after its lease has expired    | its late writes are written again                              |
| the run moves on meanwhile                     | its new state is reported                                      |
| the run returns to its last reported state     | it is reported again                                           |
| after a crash in between                       |                                                                |
"""

import itertools
from contextlib import suppress

import pytest

from functions.cluster.kinds import RUNS
from functions.cluster.transport import Transport
from functions.runs.model.status import RunStatus
from tests.github.report_bench import Newsroom, goes_on, stands_still
from tests.support.actors import Actor, in_order
from tests.support.crashing import CrashingTransport, Killed

MOST_CALLS = 60


def _crashed(at: int, after: bool, again: str) -> Newsroom | None:
    """Return a run with a report killed at that call; None if there is no such call."""
    room, sent = Newsroom(), 0
    died = False
    for step in (room.starts, room.works, room.ends):
        step()
        raw = room.run().raw
        fatal = CrashingTransport(room.both, MOST_CALLS if died else at - sent, after)
        try:
            room.report(raw, room.services(fatal))
        except Killed:
            died = True
            room.world.later(minutes=3)
            if again == "event":
                assert room.report(raw) == 204
        sent += fatal.sent
    if died and again != "event":
        room.world.later(hours=1)
        room.sweep(), room.hourly()
    return room if died else None


@pytest.mark.parametrize("again", ["event", "sweep"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_sync_completes_once_after_a_crash_at_any_call(after: bool, again: str) -> None:
    tried = 0
    for at in range(MOST_CALLS):
        room = _crashed(at, after, again)
        if room is None:
            break
        tried += 1
        room.check_told()
    assert 20 <= tried < MOST_CALLS


def _at_once(order: tuple[int, ...]) -> tuple[Newsroom, tuple[int, ...]]:
    """Interleave two reports of the end of a run in that order; then deliver the event once more."""
    room = Newsroom()
    room.succeeds()
    raw = room.run().raw

    def work(transport: Transport) -> None:
        room.report(raw, room.services(transport))

    taken = in_order([Actor(room.both, work) for _ in range(2)], order)
    room.world.later(seconds=11)
    room.report(raw)
    return room, taken


def test_two_concurrent_reporters_create_everything_once() -> None:
    tried = set()
    for i, j in itertools.product(range(1, 16), (1, 2, 3, 99)):
        room, taken = _at_once((0,) * i + (1,) * j + (0,) * 99)
        if taken not in tried:
            tried.add(taken)
            room.check_told()
            assert room.wrote().count("POST /pulls") == room.wrote().count("POST /check-runs") == 1
    assert len(tried) >= 15


def test_a_reporter_stopped_beyond_its_lease_leaves_a_correct_report() -> None:
    for at in range(1, 14):
        room = Newsroom()
        room.succeeds()
        raw = room.run().raw
        slow = stands_still(room, raw, at)
        room.world.later(minutes=3)
        assert room.report(raw) == 204, "the redelivery"
        goes_on(slow)
        room.world.later(seconds=11)
        room.report(raw)
        room.check_told(checks=2)


@pytest.mark.parametrize("at", range(1, 10))
@pytest.mark.parametrize("known", [False, True], ids=["no comment yet", "a comment"])
def test_a_late_write_of_an_earlier_state_is_synced_again(room: Newsroom, known: bool, at: int) -> None:
    if known:
        room.starts()
        assert room.report() == 204
    room.works()
    earlier = room.run().raw
    slow = stands_still(room, earlier, at)
    room.ends()
    room.world.later(minutes=3)
    assert room.report(earlier) == 204, "the redelivery"
    goes_on(slow)
    room.world.later(minutes=1)
    room.report(earlier)
    room.check_told()


def test_a_run_that_moves_on_during_its_sync_is_synced_in_its_new_state(room: Newsroom) -> None:
    room.works()
    slow = stands_still(room, room.run().raw, 5)
    room.ends()
    assert room.report() == 204, "the process that holds the lease reports it"
    assert not room.comments()
    goes_on(slow)
    assert "**Succeeded**" in room.comment()
    room.check_told()


@pytest.mark.parametrize("at", range(1, 6))
def test_a_run_that_returns_to_the_state_synced_before_a_crash_is_synced_again(room: Newsroom, at: int) -> None:
    room.works()
    assert room.report() == 204
    comment, before = room.comment(), room.run().status
    _says(room, before.model_copy(update={"message": "something else"}))
    with suppress(Killed):
        room.report(services=room.services(CrashingTransport(room.both, at, True)))
    _says(room, before)
    room.world.later(minutes=9)
    room.report()
    assert room.comment() == comment


def _says(room: Newsroom, status: RunStatus) -> None:
    run = room.run()
    room.world.kubelet.replace_status(RUNS[run.kind], run.to_status_update(status))
