"""What GitHub is told of a run when things go wrong: in the end everything is there once and says what is so, and the
run has not waited for it.

| what happens                                   | comes to                                                       |
|------------------------------------------------|----------------------------------------------------------------|
| GitHub is down for a day                       | the run ends and is marked; told afterwards by the hourly pass |
| each refused event comes again, and so do the  | as many deliveries as there were events of the run             |
| events of what is noted meanwhile              |                                                                |
| GitHub asks to wait                            | it is not called before                                        |
| an answer is lost                              | nothing is made twice                                          |
| a crash at any call                            | the event, or the sweep alone, brings it to its end            |
| two at once, in any order                      | one tells                                                      |
| one stands still beyond its claim              | what it wrote late is told again                               |
| the run moves on, or is deleted, meanwhile     | it is told as it is then                                       |
| the run is deleted, GitHub up or down          | closed if it can be; the deletion completes                    |
"""

import itertools
from typing import Any

import pytest

from functions.cluster.transport import Transport
from functions.handlers import reconcile
from functions.runs import group
from tests.github.newsroom import Newsroom
from tests.life.test_run import event
from tests.support.actors import Actor, in_order
from tests.support.crashing import Crashing, Killed

MOST_CALLS = 60
FIRST = "c" * 40


@pytest.fixture
def room() -> Newsroom:
    return Newsroom()


# GitHub is away -----------------------------------------------------------------------------------------------------


def test_a_run_ends_although_github_is_down_for_a_day_and_is_told_afterwards(room: Newsroom) -> None:
    room.github.fails(".", 502, times=10_000)
    room.works()
    first = room.run().raw
    assert room.report(first) == 503
    room.ends()
    room.world.later(minutes=1)
    assert (room.report(), room.report(first)) == (204, 503), "one event comes again, for all that is to be told"
    run = room.run()
    assert (run.status.phase, run.labels[group.FINISHED]) == ("Succeeded", "true")
    for _ in range(24):
        room.world.later(hours=1)
        room.sweep(), room.hourly()
    assert room.wrote() == []
    room.github.troubles.failures.clear()
    room.world.later(hours=1)
    assert (room.hourly().body or {})["data"]["told to GitHub"] == 1
    room.check_told()


def test_while_github_is_away_the_writes_about_it_breed_no_events(room: Newsroom) -> None:
    """Every event is delivered, and again as long as it is refused, as the queue does."""
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
        assert room.report(raw, room.services(room.both)) == 503, "another process knows it too"
        room.sweep(room.services(room.both))
    assert len([each for each in room.github.calls[asked:] if "deliveries" not in each.path]) == 0
    room.world.later(seconds=120)
    assert room.report(raw) == 204
    assert "**Running**" in room.comment()


@pytest.mark.parametrize("call", ["POST .*/comments", "POST .*/pulls", "POST .*/check-runs", "PATCH .*/comments"])
def test_an_answer_that_was_lost_makes_nothing_twice(room: Newsroom, call: str) -> None:
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


def test_the_sweep_tells_what_no_event_told(room: Newsroom) -> None:
    room.works()
    room.world.later(minutes=1)
    room.sweep()
    assert "**Running**" in room.comment()


def test_one_refusal_ends_the_telling_of_a_sweep(room: Newsroom) -> None:
    room.works()
    room.github.fails("comments", 502, times=100)
    room.world.later(minutes=1)
    found = room.sweep().body or {}
    assert found["data"]["failed"] == [room.made.key]
    assert len(room.github.asked("comments")) == 1


def _stands_still(room: Newsroom, raw: Any, at: int) -> Actor:
    """A report of `raw`, stopped before its call number `at` (0-based), if there is one."""
    slow = Actor(room.both, lambda transport: room.report(raw, room.services(transport)))
    for _ in range(at):
        if not slow.ended:
            slow.step()
    return slow


def _goes_on(slow: Actor) -> None:
    """To its end."""
    while not slow.ended:
        slow.step()
    assert slow.error is None


# A crash, two at once -----------------------------------------------------------------------------------------------


def _crashed(at: int, after: bool, again: str) -> Newsroom | None:
    """A run of which the report of some change is killed at that call; None where there is no such call."""
    room, sent = Newsroom(), 0
    died = False
    for step in (room.starts, room.works, room.ends):
        step()
        raw = room.run().raw
        fatal = Crashing(room.both, MOST_CALLS if died else at - sent, after)
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
        slow = _stands_still(room, raw, at)
        room.world.later(minutes=3)
        assert room.report(raw) == 204, "it comes again"
        _goes_on(slow)
        room.world.later(seconds=11)
        room.report(raw)
        room.check_told(checks=2)


@pytest.mark.parametrize("at", range(1, 10))
@pytest.mark.parametrize("known", [False, True], ids=["no comment yet", "a comment"])
def test_what_was_written_late_of_an_earlier_state_is_told_again(room: Newsroom, known: bool, at: int) -> None:
    if known:
        room.starts()
        assert room.report() == 204
    room.works()
    earlier = room.run().raw
    slow = _stands_still(room, earlier, at)
    room.ends()
    room.world.later(minutes=3)
    assert room.report(earlier) == 204, "it comes again"
    _goes_on(slow)
    room.world.later(minutes=1)
    room.report(earlier)
    room.check_told()


def test_a_run_that_moves_on_while_it_is_told_of_is_told_of_as_it_is_then(room: Newsroom) -> None:
    room.works()
    slow = _stands_still(room, room.run().raw, 5)
    room.ends()
    assert room.report() == 204, "its event is left to whoever tells"
    assert not room.comments()
    _goes_on(slow)
    assert "**Succeeded**" in room.comment()
    room.check_told()


# The end of a run ---------------------------------------------------------------------------------------------------


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
def test_a_deletion_completes_whatever_github_says_and_in_one_try(room: Newsroom, status: int) -> None:
    room.works()
    room.report()
    room.github.fails("comments", status, times=100)
    asked = len(room.github.asked("comments"))
    room.deletes()
    _reconciled(room)
    assert room.gone()
    assert len(room.github.asked("comments")) - asked <= 2


def test_a_run_nobody_was_told_of_is_deleted_without_a_call(room: Newsroom) -> None:
    room.starts()
    room.deletes()
    _reconciled(room)
    assert room.gone()
    assert room.asked() == 0


@pytest.mark.parametrize("at", range(1, 12))
def test_a_run_deleted_while_it_is_told_of_ends_as_deleted(room: Newsroom, at: int) -> None:
    room.works()
    slow = _stands_still(room, room.run().raw, at)
    room.deletes()
    _reconciled(room)
    _goes_on(slow)
    assert room.gone()
    assert all("**Deleted**" in each["body"] for each in room.comments())
    assert len(room.comments()) == len([call for call in room.wrote() if call.startswith("POST")])


def _reconciled(room: Newsroom) -> None:
    reconcile.handle(room.services(), event(room.run().raw))
