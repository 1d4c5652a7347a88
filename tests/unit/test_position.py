"""The position of a run in the queue equals the order in which admission admits runs.

| run                         | limits known               | limits not known             |
|-----------------------------|----------------------------|------------------------------|
| pending                     | n of all pending runs      | n of the runs shown as Queued |
| running, or with reservation | none                      | none                         |
| would start at once         | none                       | as its status says           |
| finished, cancelled         | none                       | none                         |

Property: as slots become free one by one, runs are admitted in the order of their positions.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.runs.admission.capacity import Reservation
from functions.runs.admission.cycle import AdmissionCycle
from functions.runs.admission.ledger import Ledger
from functions.runs.admission.position import Position, position
from functions.runs.lifecycle import transitions
from functions.runs.model.limits import NO_LIMITS, Limits
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle
from tests.support.builders import NOW
from tests.unit.waiting import code, working

TWO = Limits(runs=2)


def queued(number: int, **about: Any) -> Run:
    found = code(number, **about)
    return found.with_status(transitions.queued(found, Obstacle(message="2 runs work (limits.runs)"), NOW))


BUSY = [working(1), working(2)]
QUEUE = [queued(3, age=1), queued(4, age=9), queued(5, priority=1)]


@pytest.mark.parametrize("limits", [TWO, None])
def test_a_pending_run_has_a_position(limits: Limits | None) -> None:
    all_runs = [*BUSY, *QUEUE]
    found = {run.name: position(all_runs, run, limits, NOW) for run in all_runs}
    why = "2 runs work (limits.runs)"
    assert found == {
        "r1": None,
        "r2": None,
        "r5": Position(1, 3, why),
        "r4": Position(2, 3, why),
        "r3": Position(3, 3, why),
    }
    assert str(found["r4"]) == "2 of 3"


def test_the_position_is_the_same_if_the_run_is_not_listed() -> None:
    assert position([*BUSY, *QUEUE[:2]], QUEUE[2], TWO, NOW) == position([*BUSY, *QUEUE], QUEUE[2], TWO, NOW)


def test_a_run_that_can_start_at_once_has_no_position() -> None:
    assert position([BUSY[0], QUEUE[0]], QUEUE[0], TWO, NOW) is None
    assert position([*BUSY, *QUEUE], QUEUE[0], NO_LIMITS, NOW) is None


def test_reservations_in_the_ledger_count_for_the_position() -> None:
    gone = Ledger({uid: Reservation("CodeRun", uid, "1", ("runs",)) for uid in ("a", "b")})
    assert position([QUEUE[0]], QUEUE[0], TWO, NOW, gone) == Position(1, 1, "2 runs work (limits.runs)")
    mine = Ledger({QUEUE[0].uid: Reservation("CodeRun", "r3", QUEUE[0].resource_version, ("runs",))})
    assert position([QUEUE[0]], QUEUE[0], Limits(runs=0), NOW, mine) is None


@pytest.mark.parametrize(
    ("recorded", "message", "expected"),
    [
        (None, "waits: for task 3 (limits.runs)", Position(1, 1, "for task 3 (limits.runs)")),
        (Obstacle(message="of before", holder="CodeRun r1"), "waits: of now", Position(1, 1, "of now")),
        (Obstacle(message="of now", holder="CodeRun r1"), "waits: of now", Position(1, 1, "of now", "CodeRun r1")),
        (None, "its Job is suspended: no quota", Position(1, 1, "its Job is suspended: no quota")),
    ],
)
def test_a_run_that_another_version_queued_says_what_its_message_says(
    recorded: Obstacle | None, message: str, expected: Position
) -> None:
    status = transitions.says(queued(3), message).model_copy(update={"obstacle": recorded})
    found = queued(3).with_status(status)
    assert position([found], found, None, NOW) == expected


@pytest.mark.parametrize("limits", [TWO, None])
def test_a_cancelled_run_has_no_position(limits: Limits | None) -> None:
    assert position([*BUSY, *QUEUE], replace(QUEUE[0], cancel=True), limits, NOW) is None


RUNS = st.lists(
    st.tuples(st.integers(-1, 1), st.integers(0, 9), st.sampled_from(["api", "web", "shop"])), min_size=1, max_size=9
)
LIMITS = st.builds(
    Limits, st.integers(0, 3), st.none() | st.integers(1, 2), st.none() | st.integers(1, 3), st.booleans()
)


def queue_order(runs: Sequence[Run], limits: Limits) -> list[str]:
    """Return the names of the pending runs in the order of their positions."""
    found = [(place.place, run.name) for run in runs if (place := position(runs, run, limits, NOW))]
    assert [place for place, _ in sorted(found)] == list(range(1, len(found) + 1))
    return [name for _, name in sorted(found)]


@given(RUNS, LIMITS)
def test_positions_equal_the_order_of_the_admission_cycle(about: list[tuple[int, int, str]], limits: Limits) -> None:
    runs = [
        code(number, age=age, priority=priority, service=service)
        for number, (priority, age, service) in enumerate(about)
    ]
    cycle = AdmissionCycle(Ledger(), limits, NOW)
    for run in runs:
        cycle.observe(run)
    found = cycle.admit_all()
    assert queue_order(runs, limits) == [each.reservation.name for each, _ in found.waiting]
    assert {run.name for run in runs} - set(queue_order(runs, limits)) == {
        each.reservation.name for each in found.admitted
    }


@given(RUNS)
def test_free_slots_are_taken_from_the_head_of_the_queue(about: list[tuple[int, int, str]]) -> None:
    runs = [code(number, age=age, priority=priority) for number, (priority, age, _) in enumerate(about)]
    order = queue_order(runs, Limits(runs=0))
    assert len(order) == len(runs)
    for places in range(1, len(runs) + 1):
        assert queue_order(runs, Limits(runs=places)) == order[places:]
