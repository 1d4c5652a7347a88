"""Reports to GitHub of a run by processes that die, stand still or work at once: everything once, and what is so.

| what happens                                   | result                                                         |
|------------------------------------------------|----------------------------------------------------------------|
| a crash at any call                            | the event, or the sweep alone, brings it to its end            |
| two at once, in any order                      | one tells                                                      |
| one stands still beyond its claim              | what it wrote late is written again                               |
| the run moves on meanwhile                     | it is reported as it is then                                     |
| the run is as it was told before, after a      | it is reported again                                             |
| crash in between                               |                                                                |
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
    """A run of which the report of some change is killed at that call; None where there is no such call."""
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
def test_a_crash_at_any_call_leaves_everything_once_in_the_end(after: bool, again: str) -> None:
    tried = 0
    for at in range(MOST_CALLS):
        room = _crashed(at, after, again)
        if room is None:
            break
        tried += 1
        room.check_told()
    assert 20 <= tried < MOST_CALLS


def _at_once(order: tuple[int, ...]) -> tuple[Newsroom, tuple[int, ...]]:
    """Two reports of the end of a run take turns in that order; then the event comes once more."""
    room = Newsroom()
    room.succeeds()
    raw = room.run().raw

    def work(transport: Transport) -> None:
        room.report(raw, room.services(transport))

    taken = in_order([Actor(room.both, work) for _ in range(2)], order)
    room.world.later(seconds=11)
    room.report(raw)
    return room, taken


def test_two_reporters_at_once_end_as_one() -> None:
    tried = set()
    for i, j in itertools.product(range(1, 16), (1, 2, 3, 99)):
        room, taken = _at_once((0,) * i + (1,) * j + (0,) * 99)
        if taken not in tried:
            tried.add(taken)
            room.check_told()
            assert room.wrote().count("POST /pulls") == room.wrote().count("POST /check-runs") == 1
    assert len(tried) >= 15


def test_a_reporter_that_stood_still_beyond_its_claim_writes_nothing_and_the_rest_is_right() -> None:
    for at in range(1, 14):
        room = Newsroom()
        room.succeeds()
        raw = room.run().raw
        slow = stands_still(room, raw, at)
        room.world.later(minutes=3)
        assert room.report(raw) == 204, "it comes again"
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
    assert room.report(earlier) == 204, "it comes again"
    goes_on(slow)
    room.world.later(minutes=1)
    room.report(earlier)
    room.check_told()


def test_a_run_that_moves_on_during_its_sync_is_synced_in_its_new_state(room: Newsroom) -> None:
    room.works()
    slow = stands_still(room, room.run().raw, 5)
    room.ends()
    assert room.report() == 204, "its event is left to the reporting process"
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
