"""A run is ended while the cluster refuses every Job, so that nobody can take its Job's name: whoever stood still
meanwhile, and comes back when Jobs are taken again, starts nothing.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest

from functions.runs.lifecycle import states
from tests.faults.bench import FAILED, Bench, StaleClockBench
from tests.faults.operations import Operation, cancels, reconciles, sweeps
from tests.faults.outcome_cache import OutcomeCache
from tests.faults.starting_states import KINDS, Build, edited, job_missing, new, starting_state
from tests.support.freezing import FreezingTransport
from tests.support.refusing import RefusingTransport

SWEEPS = 3
"""Eleven minutes apart: twice as long as anybody may create the Job."""


def ends_without_its_job(bench: Bench) -> None:
    """A person cancels it, and sweeps come."""
    others = bench.with_revision(bench.settings, RefusingTransport)
    with suppress(*FAILED):
        cancels(others, bench.server)
    for _ in range(SWEEPS):
        others.sweep()
        bench.harness.later(minutes=11)
    bench.nodes.finish_pods()
    others.sweep()
    jobs = {job["metadata"]["name"] for job in bench.nodes.jobs()}
    for run in bench.all_runs():
        assert states.state(run.status) in states.FINISHED
        bench.checker.expired |= {attempt.job_name for attempt in run.status.attempts} - jobs


def frozen(kind: str, build: Build, operation: Operation, bench: type[Bench] = Bench) -> Iterator[str]:
    """Freezes after each call. Raises AssertionError where something is not as it should be."""
    stage = starting_state(build, kind)
    for at in itertools.count():
        found = bench(stage)
        freezing = FreezingTransport(found.server, at, lambda: ends_without_its_job(found))  # noqa: B023
        with suppress(*FAILED):
            operation(found, freezing)
        if not freezing.triggered:
            return
        yield f"{OutcomeCache(events=True).of(found)} after call {at}"


@pytest.mark.parametrize("operation", [reconciles, sweeps], ids=lambda operation: operation.__name__)
@pytest.mark.parametrize("build", [new, job_missing, edited], ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_who_comes_back_after_such_an_end_starts_nothing(
    kind: str, build: Build, operation: Operation, tally: Counter[str]
) -> None:
    tried = list(frozen(kind, build, operation))
    tally["frozen handlers"] += len(tried)
    assert any("Cancelled" in outcome for outcome in tried)


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_not_look_at_the_clock_is_found(kind: str) -> None:
    with pytest.raises(AssertionError, match="the status does not name it"):
        list(frozen(kind, job_missing, reconciles, StaleClockBench))
