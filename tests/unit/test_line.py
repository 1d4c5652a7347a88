"""The pending queue of the ledger admits the same runs as a full scan of all runs.

| the queue lists       | a slot becomes free            | a new run is submitted                      |
|-----------------------|--------------------------------|---------------------------------------------|
| all pending runs      | the first that fits            | admitted if no earlier run needs the slot   |
| the first of many     | the first that fits, else a    | the same if it is before the last listed    |
|                       | full scan                      | run, else a full scan                       |
| none, though some are | a full scan                    | a full scan                                 |
| unreadable            | a full scan                    | a full scan                                 |
"""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.manifests import ledger as manifest
from functions.runs.admission.capacity import reservation
from functions.runs.admission.cycle import AdmissionCycle
from functions.runs.admission.ledger import Ledger
from functions.runs.admission.pending_queue import MAX_QUEUED, PendingQueue, pending_run
from functions.runs.model.limits import Limits
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle
from functions.storage.config_map_store import merge_patch
from tests.support.builders import NOW
from tests.unit.waiting import code, uid_of, waiting, working

TWO = Limits(runs=2, exclusive=True)


def scanned(runs: list[Run], limits: Limits, ledger: Ledger | None = None) -> Ledger:
    """Return the ledger after a full scan of the runs."""
    found = AdmissionCycle(ledger or Ledger(), limits, NOW)
    for run in runs:
        found.observe(run)
    return found.admit_all().ledger


def names(ledger: Ledger) -> list[str]:
    return [each.reservation.name for each in ledger.pending.head]


def test_a_full_scan_queues_pending_runs_in_order() -> None:
    ledger = scanned([working(1), working(2), waiting(3, age=1), waiting(4, age=9), waiting(5, priority=1)], TWO)
    assert (names(ledger), ledger.pending.truncated) == (["r5", "r4", "r3"], False)
    assert ledger.next(TWO) is None
    named = ledger.without_reservation(uid_of(1)).next(TWO)
    assert named is not None
    assert named.reservation.name == "r5"


def test_a_run_blocked_by_its_own_workspace_is_passed_over() -> None:
    ledger = scanned([working(1, service="s"), working(2), waiting(3, age=9, service="s"), waiting(4)], TWO)
    named = ledger.without_reservation(uid_of(2)).next(TWO)
    assert named is not None
    assert named.reservation.name == "r4"


def test_admitted_and_ended_runs_leave_the_queue() -> None:
    ledger = scanned([working(1), working(2), waiting(3, age=1), waiting(4)], TWO)
    after = ledger.without_reservation(uid_of(1)).with_reservation(uid_of(3), reservation(waiting(3)))
    assert (names(after), set(after.entries)) == (["r4"], {uid_of(2), uid_of(3)})
    assert after.last_rejected
    last = after.dequeued(uid_of(4))
    assert (names(last), last.last_rejected) == ([], "")


def test_a_long_queue_lists_its_first_runs_and_is_marked_truncated() -> None:
    many = [waiting(number, age=number % 50) for number in range(3, 3 + MAX_QUEUED + 1)]
    ledger = scanned([working(1), working(2), *many], TWO)
    assert (len(names(ledger)), ledger.pending.truncated) == (MAX_QUEUED, True)
    late, urgent = pending_run(waiting(90)), pending_run(waiting(91, priority=1))
    assert names(ledger.enqueued(late)) == names(ledger)
    assert ledger.enqueued(late).last_rejected == late.uid, "a concurrent writer must notice that the ledger changed"
    assert names(ledger.enqueued(urgent)) == ["r91", *names(ledger)[:-1]]
    assert not ledger.pending.knows_position(late)
    assert ledger.pending.knows_position(urgent)


@pytest.mark.parametrize(
    ("more", "room", "needed"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_a_full_scan_is_needed_if_an_unlisted_run_may_fit(more: bool, room: bool, needed: bool) -> None:
    runs = [working(1)] if room else [working(1), working(2)]
    ledger = Ledger({run.uid: reservation(run) for run in runs}, "somebody", PendingQueue(truncated=more))
    assert ledger.needs_full_scan(TWO) is needed


def test_a_new_run_takes_no_slot_of_a_run_that_waits() -> None:
    ledger = replace(scanned([working(1), working(2), waiting(3, age=1)], TWO)).without_reservation(uid_of(2))
    assert ledger.obstacle_in_order(pending_run(code(4)), TWO) == Obstacle(message="2 runs work (limits.runs)")
    assert ledger.obstacle_in_order(pending_run(code(4, age=9)), TWO) is None
    assert ledger.obstacle_in_order(pending_run(waiting(3, age=1)), TWO) is None


def test_a_run_enqueued_twice_is_listed_once() -> None:
    ledger = scanned([working(1), working(2), waiting(3)], TWO)
    raised = pending_run(waiting(3, priority=1))
    assert [each.order for each in ledger.enqueued(raised).pending.head] == [raised.order]


def test_a_ledger_read_from_its_config_map_equals_the_written_one() -> None:
    ledger = scanned([working(1), working(2), waiting(3), waiting(4, priority=2)], TWO)
    raw = json.loads(json.dumps(manifest.new(ledger, "here")))
    raw["metadata"]["resourceVersion"] = "3"
    assert _plain(manifest.parse(raw)) == _plain(ledger)
    assert merge_patch(raw, manifest.new(manifest.parse(raw), "here")) is None
    raw["data"]["broken"] = "{"
    assert manifest.parse(raw).entries.keys() == ledger.entries.keys()
    patch = merge_patch(raw, manifest.new(ledger.without_reservation(uid_of(1)), "here"))
    assert patch is not None
    assert patch["metadata"]["resourceVersion"] == "3"
    assert patch["data"] == {uid_of(1): None, "broken": None}


def _plain(ledger: Ledger) -> Any:
    return json.loads(json.dumps(manifest.new(ledger, "here")))


@pytest.mark.parametrize("text", ["", "{", '{"first": [1], "more": false}', '{"more": false}', '{"first": [{}]}', "[]"])
def test_an_unreadable_queue_counts_as_truncated(text: str) -> None:
    """A previous revision of the functions wrote no queue."""
    raw = manifest.new(Ledger(last_rejected="c"), "here")
    raw["metadata"]["annotations"][manifest.PENDING] = text
    assert manifest.parse(raw).pending == PendingQueue(truncated=True)
    raw["metadata"]["annotations"][manifest.LAST_REJECTED] = ""
    assert manifest.parse(raw).pending == PendingQueue()


ONE = st.tuples(st.integers(0, 49), st.integers(-1, 1), st.integers(0, 12))
FEW, MANY = st.lists(ONE, min_size=1, max_size=8), st.lists(ONE, min_size=MAX_QUEUED + 4, max_size=2 * MAX_QUEUED)


@given(FEW | MANY, st.integers(1, 3), st.booleans())
def test_the_queue_admits_the_same_runs_as_a_full_scan(
    found: list[tuple[int, int, int]], places: int, exclusive: bool
) -> None:
    limits = Limits(runs=places, exclusive=exclusive)
    runs = {
        run.uid: run
        for number, (age, priority, service) in enumerate(found)
        for run in [waiting(number, age=age, priority=priority, service=f"s{service}")]
    }
    ledger = scanned(list(runs.values()), limits)
    while ledger.entries:
        ended = next(iter(ledger.entries))
        del runs[ended]
        expected = scanned(list(runs.values()), limits, ledger.without_reservation(ended))
        ledger = _promoted(ledger.without_reservation(ended), runs, limits)
        assert ledger.entries.keys() == expected.entries.keys()
    assert (runs, ledger.last_rejected) == ({}, "")


def _promoted(ledger: Ledger, runs: dict[str, Run], limits: Limits) -> Ledger:
    before = ledger
    while named := ledger.next(limits):
        ledger = ledger.with_reservation(named.uid, named.reservation)
    return scanned(list(runs.values()), limits, before) if ledger.needs_full_scan(limits) else ledger
