"""Two concurrent functions compete for the last slot, in orders with two switches, and with a crash at each call.

The pairs are in SETUPS. Afterwards no event is delivered; sweeps alone finish all runs. Mutants of the ledger must be
reported.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
from tests.support.forwarding import ForwardingTransport
from tests.support.run_steps import DONE, event

TWO = Limits(runs=2)
PLAYED = 60
"""Orders per setup at SCALE=1."""
EVERY = 1 if SCALE >= 1 else 3
"""Calls from one crash to the next."""
MOST = 60
"""More calls than any of these functions makes."""
Setup = Callable[[Callable[[Transport], Transport]], tuple[Fleet, Work, Work]]


def new_run(fleet: Fleet, **spec: Any) -> Work:
    """Create a run, and return the delivery of its first event."""
    name = fleet.submit("CodeRun", service=f"s{len(fleet.runs())}", **spec)
    return first_event(next(run for run in fleet.runs() if run.name == name))


def first_event(run: Run) -> Work:
    """Return the late delivery of the run's first event."""
    raw = {key: value for key, value in run.raw.items() if key != "status"}
    return lambda services: reconcile.handle(services, event(raw))


def working(wrap: Callable[[Transport], Transport], *, running: int, queued: int) -> Fleet:
    """Return a fleet with two slots and so many running and queued runs."""
    fleet = Fleet(TWO, wrap)
    for _ in range(running + queued):
        fleet.calls(new_run(fleet))
    for job in fleet.live_jobs():
        fleet.pod_comes_up(job)
    assert (len(fleet.live_jobs()), len(fleet.runs())) == (running, running + queued)
    return fleet


def job_end(fleet: Fleet, index: int) -> Work:
    """End a Job, and return the delivery of its event."""
    name = sorted(job["metadata"]["name"] for job in fleet.harness.jobs())[index]
    ended = fleet.harness.job_ends(name, DONE)
    return lambda services: job_finished.handle(services, event(ended))


def two_new_runs(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    fleet = working(wrap, running=1, queued=0)
    return fleet, new_run(fleet), new_run(fleet)


def two_new_runs_and_a_queued_one(wrap: Callable[[Transport], Transport]) -> tuple[Fleet, Work, Work]:
    """Both slots are free; the process that freed them died before it admitted the queued run."""
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
    two_new_runs_and_a_queued_one,
    an_end_and_a_new_run,
    two_ends,
    a_sweep_and_an_end,
    a_sweep_and_a_new_run,
    two_sweeps,
]


def orders() -> Iterator[tuple[int, ...]]:
    """Yield the orders in which one makes `i` calls, the other `j`, then each makes its remaining calls."""
    for one, i, j in itertools.product((0, 1), range(1, 14), range(1, 14)):
        yield (one,) * i + (1 - one,) * j + (one,) * MOST


def play(setup: Setup, order: tuple[int, ...], wrap: Callable[[Transport], Transport] = unchanged) -> Fleet:
    fleet, one, other = setup(wrap)
    fleet.interleavings([one, other], order)
    fleet.settle(DONE)
    return fleet


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.__name__)
def test_concurrent_functions_exceed_no_limit(setup: Setup) -> None:
    rng = random.Random(f"{SEED} {setup.__name__}")
    tried = rng.sample(list(orders()), max(5, int(PLAYED * SCALE)))
    assert [wrong for order in tried for wrong in play(setup, order).wrong()] == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.__name__)
def test_function_that_crashes_at_any_call_loses_no_slot(setup: Setup, after: bool) -> None:
    for first in (True, False):
        for at in range(0, MOST, EVERY):
            fleet, one, other = setup(unchanged)
            fleet.harness.calls.calls.clear()
            work, rest = (one, other) if first else (other, one)
            died = fleet.dies(work, at, after=after)
            fleet.calls(rest)
            fleet.settle(DONE)
            assert fleet.wrong() == []
            if not died:
                break


@pytest.mark.parametrize("calls", range(14))
def test_slot_freed_while_a_run_looks_for_one_is_given_at_once(calls: int) -> None:
    fleet = working(unchanged, running=2, queued=0)
    fleet.interleavings([new_run(fleet), job_end(fleet, 0)], (0,) * calls + (1,) * MOST + (0,) * MOST)
    assert len(fleet.live_jobs()) == 2
    assert fleet.checker.violations == []


@dataclass
class LedgerMutant(ForwardingTransport):
    """A mutant: functions with wrong writes to the ledger."""

    mend: Callable[[dict[str, Any]], dict[str, Any]]

    def send(self, request: Request) -> Any:
        if request.method == "PATCH" and request.path.endswith(manifest.NAME):
            request = replace(request, body=self.mend(dict(request.body)))
        return self.inner.send(request)


def last_write_wins(body: dict[str, Any]) -> dict[str, Any]:
    """Write the ledger whatever version it has."""
    return {**body, "metadata": {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}}


def waiting_run_is_not_recorded(body: dict[str, Any]) -> dict[str, Any]:
    """Do not record in the ledger that a run waits."""
    return {**body, "metadata": {**body["metadata"], "annotations": {manifest.LAST_REJECTED: ""}}}


def reservations_are_not_written(body: dict[str, Any]) -> dict[str, Any]:
    """Write no reservation, only remove them."""
    return {**body, "data": {uid: text for uid, text in body["data"].items() if text is None}}


@pytest.mark.parametrize(
    ("mend", "setup", "words"),
    [
        (last_write_wins, two_new_runs, "over the limit"),
        (waiting_run_is_not_recorded, two_new_runs_and_a_queued_one, "overtook"),
        (reservations_are_not_written, two_new_runs, "over the limit"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_checker_reports_mutant_of_the_ledger(
    mend: Callable[[dict[str, Any]], dict[str, Any]], setup: Setup, words: str
) -> None:
    broken = (play(setup, order, lambda transport: LedgerMutant(transport, mend)) for order in orders())
    assert any(words in wrong for fleet in broken for wrong in fleet.wrong())
