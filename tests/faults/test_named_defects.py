"""Defects of the predecessor that concern the cluster, from every starting state.

Tests of its other defects are beside the code they concern; tests/unit/test_defects.py lists them.
"""

import json

import pytest

from functions.handlers import job_finished, reconcile, report
from functions.local.apiserver.store import Change
from functions.runs.model.run import parse
from tests.faults.bench import NAMESPACE, Bench
from tests.faults.invariants import JOB, RUNS
from tests.faults.starting_states import KINDS, STARTING_STATES, Build, new, nothing_yet, starting_state
from tests.support.run_steps import VERBS, event

HANDLERS = {JOB: [job_finished], RUNS[0]: [reconcile, report], RUNS[1]: [reconcile, report]}
MAX_EVENTS = 40
"""More than the events of a run's whole life."""


@pytest.mark.parametrize("build", STARTING_STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_events_of_a_run_end_when_nothing_else_happens(kind: str, build: Build) -> None:
    """Predecessor: a status patch triggered reconcile for ever."""
    bench = Bench(starting_state(build, kind))
    underway: list[Change] = []
    bench.server.observe(underway.append)
    bench.reconcile()
    delivered = 0
    while underway:
        change = underway.pop(0)
        for handler in HANDLERS.get(change.key.resource, ()):
            handler.handle(bench.services(), event(json.loads(change.body), VERBS[change.type]))
        delivered += 1
        assert delivered < MAX_EVENTS, "each event makes another one"


@pytest.mark.parametrize(
    "build", [each for each in STARTING_STATES if each is not nothing_yet], ids=lambda each: each.__name__
)
@pytest.mark.parametrize("kind", KINDS)
def test_runs_deleted_at_once_are_gone_after_an_hourly_sweep(kind: str, build: Build) -> None:
    """Predecessor: uninstalling with finalizers left a CRD terminating.

    Kubernetes deletes all resources of a deleted CRD, and removes the CRD after the last one.
    """
    bench = Bench(starting_state(build, kind))
    for run in bench.all_runs():
        bench.kubelet.delete(bench.runs, NAMESPACE, run.name, run.uid)
    bench.sweep()
    bench.hourly()
    assert bench.all_runs() == []


@pytest.mark.parametrize("kind", KINDS)
def test_job_that_already_exists_is_named_in_the_status(kind: str) -> None:
    """Predecessor: a Job was created but its name never recorded after a 409."""
    bench = Bench(starting_state(new, kind))
    bench.reconcile()
    status = parse(bench.raw()).status
    bench.reconcile()
    assert [job["metadata"]["name"] for job in bench.nodes.jobs()] == [status.job_name]
    assert parse(bench.raw()).status.attempts[-1].job_name == status.job_name
