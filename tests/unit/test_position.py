"""Where a run stands in the queue, and that it is where admission sees it.

| asked of a run that     | limits known            | limits not known             |
|-------------------------|-------------------------|------------------------------|
| waits                   | n of those who wait     | n of those shown as Queued   |
| works, or has a place   | none                    | none                         |
| would start at once     | none                    | as its status says           |
| is finished, cancelled  | none                    | none                         |

Property: as many places as are freed one by one, in that order the queue is let in.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.runs.admission.capacity import Reservation
from functions.runs.admission.cycle import AdmissionCycle
from functions.runs.admission.position import Position, position
from functions.runs.admission.reservations import Ledger
from functions.runs.lifecycle import transitions
from functions.runs.model.limits import NO_LIMITS, Limits
from functions.runs.model.run import Run
from tests.support.builders import NOW
from tests.unit.waiting import code

TWO = Limits(runs=2)


def working(number: int) -> Run:
    found = code(number)
    return found.with_status(transitions.start(found, NOW))


def queued(number: int, **about: Any) -> Run:
    found = code(number, **about)
    return found.with_status(transitions.queued(found, "2 runs work (limits.runs)", NOW))


BUSY = [working(1), working(2)]
LINE = [queued(3, age=1), queued(4, age=9), queued(5, priority=1)]


@pytest.mark.parametrize("limits", [TWO, None])
def test_a_run_that_waits_has_a_place_in_the_order(limits: Limits | None) -> None:
    everyone = [*BUSY, *LINE]
    found = {run.name: position(everyone, run, limits, NOW) for run in everyone}
    why = "2 runs work (limits.runs)"
    assert found == {
        "r1": None,
        "r2": None,
        "r5": Position(1, 3, why),
        "r4": Position(2, 3, why),
        "r3": Position(3, 3, why),
    }
    assert str(found["r4"]) == "2 of 3"


def test_the_run_itself_need_not_be_among_the_runs() -> None:
    assert position([*BUSY, *LINE[:2]], LINE[2], TWO, NOW) == position([*BUSY, *LINE], LINE[2], TWO, NOW)


def test_a_run_that_would_start_at_once_does_not_wait() -> None:
    assert position([BUSY[0], LINE[0]], LINE[0], TWO, NOW) is None
    assert position([*BUSY, *LINE], LINE[0], NO_LIMITS, NOW) is None


def test_a_place_that_is_given_or_not_freed_yet_is_taken() -> None:
    gone = Ledger({uid: Reservation("CodeRun", uid, "1", ("runs",)) for uid in ("a", "b")})
    assert position([LINE[0]], LINE[0], TWO, NOW, gone) == Position(1, 1, "2 runs work (limits.runs)")
    mine = Ledger({LINE[0].uid: Reservation("CodeRun", "r3", LINE[0].resource_version, ("runs",))})
    assert position([LINE[0]], LINE[0], Limits(runs=0), NOW, mine) is None


@pytest.mark.parametrize("limits", [TWO, None])
def test_a_run_that_is_to_be_cancelled_waits_for_nothing(limits: Limits | None) -> None:
    assert position([*BUSY, *LINE], replace(LINE[0], cancel=True), limits, NOW) is None


RUNS = st.lists(
    st.tuples(st.integers(-1, 1), st.integers(0, 9), st.sampled_from(["api", "web", "shop"])), min_size=1, max_size=9
)
LIMITS = st.builds(
    Limits, st.integers(0, 3), st.none() | st.integers(1, 2), st.none() | st.integers(1, 3), st.booleans()
)


def in_line(runs: Sequence[Run], limits: Limits) -> list[str]:
    """The names of those who wait, by the place each is told."""
    found = [(place.place, run.name) for run in runs if (place := position(runs, run, limits, NOW))]
    assert [place for place, _ in sorted(found)] == list(range(1, len(found) + 1))
    return [name for _, name in sorted(found)]


@given(RUNS, LIMITS)
def test_the_places_are_those_of_the_pass(about: list[tuple[int, int, str]], limits: Limits) -> None:
    runs = [
        code(number, age=age, priority=priority, service=service)
        for number, (priority, age, service) in enumerate(about)
    ]
    looked = AdmissionCycle(Ledger(), limits, NOW)
    for run in runs:
        looked.observe(run)
    found = looked.admit_all()
    assert in_line(runs, limits) == [each.reservation.name for each, _ in found.waiting]
    assert {run.name for run in runs} - set(in_line(runs, limits)) == {each.reservation.name for each in found.admitted}


@given(RUNS)
def test_as_places_become_free_the_queue_is_let_in_from_its_head(about: list[tuple[int, int, str]]) -> None:
    runs = [code(number, age=age, priority=priority) for number, (priority, age, _) in enumerate(about)]
    line = in_line(runs, Limits(runs=0))
    assert len(line) == len(runs)
    for places in range(1, len(runs) + 1):
        assert in_line(runs, Limits(runs=places)) == line[places:]
