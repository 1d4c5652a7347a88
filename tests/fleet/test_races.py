"""Two functions at once for the last place, in every order with two switches; each killed at each of its calls.

| one                     | other                   |
|-------------------------|-------------------------|
| a new run asks          | another new run asks    |
| a new run asks          | another, and one waited |
| a Job ends              | a new run asks          |
| a Job ends              | another Job ends        |
| the sweep               | each of these, a sweep  |

Afterwards no event comes any more. The same with functions broken on purpose, which must be noticed. And a place that
gets free while the first run that has to wait looks for one is not left to the sweep.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.cluster.transport import Request, Transport
from functions.handlers import job_finished, reconcile
from functions.manifests import ledger as manifest
from functions.runs.model.limits import Limits
from functions.runs.model.run import Run
from tests.conftest import SCALE
from tests.faults.conftest import SEED
from tests.fleet.fleet import Fleet, Work, unchanged
from tests.support.run_steps import DONE, event

TWO = Limits(runs=2)
PLAYED = 60
"""Orders per scene at SCALE=1."""
MOST = 60
"""More calls than any of these functions makes."""
Setup = Callable[[Callable[[Transport], Transport]], tuple[Fleet, Work, Work]]


def new_run(fleet: Fleet, **spec: Any) -> Work:
    """What its first event makes a function do."""
    name = fleet.submit("CodeRun", service=f"s{len(fleet.runs())}", **spec)
    return first_event(next(run for run in fleet.runs() if run.name == name))


def first_event(run: Run) -> Work:
    """What the run's first event, coming late, makes a function do."""
    raw = {key: value for key, value in run.raw.items() if key != "status"}
    return lambda services: reconcile.handle(services, event(raw))


def working(wrap: Callable[[Transport], Transport], *, running: int, queued: int) -> Fleet:
    """A fleet with room for two."""
    fleet = Fleet(TWO, wrap)
    for _ in range(running + queued):
        fleet.calls(new_run(fleet))
    for job in fleet.live_jobs():
        fleet.pod_comes_up(job)
    assert (len(fleet.live_jobs()), len(fleet.runs())) == (running, running + queued)
    return fleet


def job_end(fleet: Fleet, index: int) -> Work:
    """What the end of a Job makes a function do."""
    name = sorted(job["metadata"]["name"] for job in fleet.harness.jobs())[index]
    ended = fleet.harness.job_ends(name, DONE)
    return lambda services: job_finished.handle(services, event(ended))


def two_new_runs(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    fleet = working(wrap, running=1, queued=0)
    return fleet, new_run(fleet), new_run(fleet)


def two_new_runs_and_one_who_waited(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    """Both places are free, and the process that saw it died before admitting the waiting run."""
    fleet = working(wrap, running=2, queued=1)
    for index in (0, 1):
        job_end(fleet, index)
    for run in fleet.runs():
        if run.status.open_attempt:
            fleet.calls(first_event(run))
    return fleet, new_run(fleet), new_run(fleet)


def an_end_and_a_new_run(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    fleet = working(wrap, running=2, queued=2)
    return fleet, job_end(fleet, 0), new_run(fleet, priority=5)


def two_ends(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    fleet = working(wrap, running=2, queued=3)
    return fleet, job_end(fleet, 0), job_end(fleet, 1)


def a_sweep_and_an_end(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    fleet = working(wrap, running=2, queued=2)
    return fleet, Fleet.sweep, job_end(fleet, 0)


def a_sweep_and_a_new_run(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    fleet = working(wrap, running=2, queued=1)
    job_end(fleet, 0)
    return fleet, Fleet.sweep, new_run(fleet)


def two_sweeps(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    fleet = working(wrap, running=2, queued=2)
    job_end(fleet, 0)
    return fleet, Fleet.sweep, Fleet.sweep


SETUPS: list[Setup] = [
    two_new_runs,
    two_new_runs_and_one_who_waited,
    an_end_and_a_new_run,
    two_ends,
    a_sweep_and_an_end,
    a_sweep_and_a_new_run,
    two_sweeps,
]


def orders() -> Iterator[tuple[int, ...]]:
    """One makes `i` calls, the other `j`, then the first the rest of its own, then the other."""
    for one, i, j in itertools.product((0, 1), range(1, 14), range(1, 14)):
        yield (one,) * i + (1 - one,) * j + (one,) * MOST


def play(scene: Setup, order: tuple[int, ...], wrap: Callable[[Transport], Transport] = unchanged) -> Fleet:
    fleet, one, other = scene(wrap)
    fleet.interleavings([one, other], order)
    fleet.settle(DONE)
    return fleet


@pytest.mark.parametrize("scene", SETUPS, ids=lambda scene: scene.__name__)
def test_two_functions_at_once_never_give_away_more_than_there_is(scene: Setup) -> None:
    rng = random.Random(f"{SEED} {scene.__name__}")
    tried = rng.sample(list(orders()), max(5, int(PLAYED * SCALE)))
    assert [wrong for order in tried for wrong in play(scene, order).wrong()] == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scene", SETUPS, ids=lambda scene: scene.__name__)
def test_a_function_killed_at_any_call_loses_no_place(scene: Setup, after: bool) -> None:
    for first, at in itertools.product((True, False), range(MOST)):
        fleet, one, other = scene(unchanged)
        fleet.harness.calls.calls.clear()
        work, rest = (one, other) if first else (other, one)
        died = fleet.dies(work, at, after=after)
        fleet.calls(rest)
        fleet.settle(DONE)
        assert fleet.wrong() == []
        if not died:
            break


@pytest.mark.parametrize("calls", range(14))
def test_a_place_that_gets_free_while_the_first_run_to_wait_looks_is_given_at_once(calls: int) -> None:
    fleet = working(unchanged, running=2, queued=0)
    fleet.interleavings([new_run(fleet), job_end(fleet, 0)], (0,) * calls + (1,) * MOST + (0,) * MOST)
    assert len(fleet.live_jobs()) == 2
    assert fleet.checker.violations == []


class LedgerMutant:
    """Functions whose requests for the ledger are not what they should be."""

    def __init__(self, inner: Transport, mend: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._inner, self._mend = inner, mend

    def send(self, request: Request) -> Any:
        if request.method == "PATCH" and request.path.endswith(manifest.NAME):
            request = replace(request, body=self._mend(dict(request.body)))
        return self._inner.send(request)

    def stream(self, request: Request) -> Iterator[Any]:
        return self._inner.stream(request)


def whoever_writes_last_wins(body: dict[str, Any]) -> dict[str, Any]:
    """The ledger is written whatever version it has."""
    return {**body, "metadata": {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}}


def nobody_is_known_to_wait(body: dict[str, Any]) -> dict[str, Any]:
    """The ledger does not record that a run waits."""
    return {**body, "metadata": {**body["metadata"], "annotations": {manifest.LAST_REJECTED: ""}}}


def places_are_free_at_once(body: dict[str, Any]) -> dict[str, Any]:
    """No entry is written, only removed."""
    return {**body, "data": {uid: text for uid, text in body["data"].items() if text is None}}


@pytest.mark.parametrize(
    ("mend", "scene", "words"),
    [
        (whoever_writes_last_wins, two_new_runs, "over the limit"),
        (nobody_is_known_to_wait, two_new_runs_and_one_who_waited, "overtook"),
        (places_are_free_at_once, two_new_runs, "over the limit"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_broken_ledger_is_noticed(mend: Callable[[dict[str, Any]], dict[str, Any]], scene: Setup, words: str) -> None:
    broken = (play(scene, order, lambda transport: LedgerMutant(transport, mend)) for order in orders())
    assert any(words in wrong for fleet in broken for wrong in fleet.wrong())
