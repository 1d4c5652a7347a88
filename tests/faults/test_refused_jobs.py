"""A run ends while the cluster rejects every Job, so that no fence can be created.

A handler that is frozen meanwhile, and resumes when Jobs are accepted again, creates no Job.
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
"""Sweeps, eleven minutes apart: together longer than twice the creation window of a Job."""


def ends_without_its_job(bench: Bench) -> None:
    """Cancel the run, and sweep until it is finished."""
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
    """Freeze the operation after each call and yield each outcome.

    Raise AssertionError if an invariant or a final check fails.
    """
    start = starting_state(build, kind)
    for at in itertools.count():
        found = bench(start)
        freezing = FreezingTransport(found.server, at, lambda: ends_without_its_job(found))  # noqa: B023
        with suppress(*FAILED):
            operation(found, freezing)
        if not freezing.triggered:
            return
        yield f"{OutcomeCache(events=True).of(found)} after call {at}"


@pytest.mark.parametrize("operation", [reconciles, sweeps], ids=lambda operation: operation.__name__)
@pytest.mark.parametrize("build", [new, job_missing, edited], ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_handler_that_resumes_after_the_end_creates_no_job(
    kind: str, build: Build, operation: Operation, tally: Counter[str]
) -> None:
    tried = list(frozen(kind, build, operation))
    tally["frozen handlers"] += len(tried)
    assert any("Cancelled" in outcome for outcome in tried)


@pytest.mark.parametrize("kind", KINDS)
def test_checker_reports_handler_that_reads_the_clock_only_once(kind: str) -> None:
    with pytest.raises(AssertionError, match="the status does not name it"):
        list(frozen(kind, job_missing, reconciles, StaleClockBench))
