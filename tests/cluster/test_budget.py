"""Call budgets of a run's life, counted at the client, on the embedded and on a real API server.

| step                        | writes                        | reads                                         |
|-----------------------------|-------------------------------|-----------------------------------------------|
| start                       | 4, +1 workspace               | 1                                             |
| start, created with kubectl | 1 more: finalizer and labels  | as above                                      |
| nothing to do               | 0                             | 1                                             |
| finish                      | 2                             | 3: run, Job, pods                             |
| retry: end, next start      | 2, then as a start            | +1 if the workspace exists: its owner         |

Kubernetes Events are counted apart: at most one for each transition.
"""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from functions.cluster.kinds import RUNS
from functions.handlers import job_finished, reconcile, sweep
from functions.runs import api_group
from functions.runs.model.run import Run, parse
from functions.serving.http import Request, answer
from tests.cluster.driving import own
from tests.life.conftest import api  # noqa: F401  (a fixture: the embedded server)
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.run_steps import DONE, LOST, event, job_name, now, submitted

_numbers = itertools.count(1)


@pytest.fixture(params=["embedded", "real"])
def both(request: pytest.FixtureRequest) -> Harness:
    """Return a harness on either server, without limits."""
    if request.param == "real":
        found: Harness = request.getfixturevalue("world")
    else:
        found = Harness(request.getfixturevalue("api"), f"budget-{next(_numbers)}")
    limit(found, exclusive=False)
    return found


def limit(world: Harness, *, exclusive: bool) -> None:
    """Set whether runs that share a workspace or directory wait for each other."""
    world.configure(limits=world.services.settings.limits.model_copy(update={"exclusive": exclusive}))


@dataclass(frozen=True)
class Cost:
    """Numbers of API calls of one delivery."""

    writes: int
    reads: int
    events: int


def cost(world: Harness, handler: Any, request: Request) -> Cost:
    world.calls.calls.clear()
    assert answer(lambda asked: handler.handle(world.services, asked), request).code in (200, 204)
    events = [call for call in world.calls.calls if call.path.endswith("/events") and call.method == "POST"]
    return Cost(len(world.calls.writes), len(world.calls.reads), len(events))


def within(found: Cost, *, writes: int, reads: int, events: int = 1) -> bool:
    return found.writes <= writes and found.reads <= reads and found.events <= events


def name() -> str:
    return f"run-{uuid.uuid4().hex[:8]}"


def made_with_kubectl(world: Harness, kind: str) -> Run:
    spec = {**(CODE_SPEC if kind == "CodeRun" else DOCS_SPEC), **own(kind)}
    metadata = {"name": name(), "namespace": world.namespace}
    item = {"apiVersion": api_group.API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    return parse(world.kubelet.create(RUNS[kind], item))


def made_by_submit(world: Harness, kind: str) -> Run:
    return submitted(world, kind, name(), **own(kind))


MAKERS = [(made_by_submit, 0), (made_with_kubectl, 1)]


@pytest.mark.parametrize("kind", list(RUNS))
@pytest.mark.parametrize(("make", "finalizer"), MAKERS, ids=["submitted", "kubectl"])
def test_run_that_succeeds_stays_within_the_call_budget(
    both: Harness, kind: str, make: Callable[[Harness, str], Run], finalizer: int
) -> None:
    run = make(both, kind)
    workspace = int(kind == "CodeRun")
    assert within(cost(both, reconcile, event(run.raw, "add")), writes=4 + workspace + finalizer, reads=1)
    job = job_name(both, run)
    ready = both.job_ready(job)
    swept = cost(both, sweep, Request({}, b""))
    assert now(both, run).status.phase == "Running"
    assert swept.writes >= 1
    nothing = [
        cost(both, reconcile, event(run.raw, "add")),
        cost(both, reconcile, event(now(both, run).raw)),
        cost(both, job_finished, event(ready)),
    ]
    assert all(within(each, writes=0, reads=1, events=0) for each in nothing), nothing
    ended = both.job_ends(job, DONE)
    assert within(cost(both, job_finished, event(ended)), writes=2, reads=3)
    run = now(both, run)
    assert run.status.phase == "Succeeded"
    nothing = [
        cost(both, reconcile, event(run.raw)),
        cost(both, job_finished, event(ended)),
        cost(both, job_finished, event(ended, "delete")),
    ]
    assert all(within(each, writes=0, reads=1, events=0) for each in nothing), nothing


@pytest.mark.parametrize("kind", list(RUNS))
def test_retried_run_stays_within_the_call_budget(both: Harness, kind: str) -> None:
    run = made_by_submit(both, kind)
    cost(both, reconcile, event(run.raw, "add"))
    job = job_name(both, run)
    both.job_ready(job)
    ended = both.job_ends(job, LOST, ok=False)
    assert within(cost(both, job_finished, event(ended)), writes=2, reads=3)
    assert now(both, run).status.phase == "Retrying"
    both.later(minutes=1)
    workspace = int(kind == "CodeRun")
    found = cost(both, reconcile, event(now(both, run).raw))
    assert within(found, writes=4 + workspace, reads=1 + workspace), found
    assert now(both, run).status.attempt == 2


def test_events_of_a_started_pod_are_not_read(both: Harness) -> None:
    """Events are listed only for a pod that does not start and whose status has no reason (see test_outcomes)."""
    run = made_by_submit(both, "CodeRun")
    cost(both, reconcile, event(run.raw, "add"))
    job = job_name(both, run)
    both.job_ready(job)
    both.later(minutes=1)
    cost(both, sweep, Request({}, b""))
    assert now(both, run).status.phase == "Running"
    assert not [call for call in both.calls.calls if call.path.endswith("/events") and job in str(call.query)]


@pytest.mark.parametrize("kind", list(RUNS))
def test_limits_cost_one_more_read_and_one_more_write(both: Harness, kind: str) -> None:
    limit(both, exclusive=True)
    workspace = int(kind == "CodeRun")
    for run in (made_by_submit(both, kind) for _ in range(2)):  # the first run creates the ledger
        cost(both, reconcile, event(run.raw, "add"))
    found = cost(both, reconcile, event(made_by_submit(both, kind).raw, "add"))
    assert within(found, writes=4 + workspace + 1, reads=2), both.calls.calls
