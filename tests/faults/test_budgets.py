"""Call budgets: the API calls that each function may make where no call fails (SPEC section 4, Call budget).

    start                 4 writes, one more for the workspace, one more without our finalizer; 1 read
    the agent runs        1 write, 1 read
    finish                2 writes
    delete at work        3 writes, 2 reads: the Job is stopped, the tombstone left, the finalizer removed
    nothing to do         no write, 1 read
    report                1 write, 1 read

A start reads once more if the run was requested with a key (was it deleted before?), and if the workspace exists (who
owns it?). Kubernetes Events, at most one per transition, and published messages are counted apart. A sweep, which lists
from a cache, reads a run once more before it acts on it.
"""

from collections import Counter

import pytest

from functions.cluster.transport import Request
from tests.faults import starting_states
from tests.faults.bench import NAMESPACE, Bench
from tests.faults.operations import Operation, cancels, job_finishes, reconciles, reports, submits, sweeps
from tests.faults.starting_states import KINDS, Build, starting_state
from tests.support.api import RecordingTransport

LISTS = 5
"""List calls of a sweep: its checkpoint, Jobs, pods, runs of both kinds."""


def by_hand(bench: Bench) -> None:
    """The run was created with kubectl: without our finalizer and labels."""
    starting_states.new(bench)
    bench.kubelet.patch(bench.runs, NAMESPACE, bench.name, {"metadata": {"finalizers": None, "labels": None}})


def cost(kind: str, build: Build, operation: Operation) -> Counter[str]:
    """Count the calls of an operation on a starting state, by category."""
    bench = Bench(starting_state(build, kind))
    counting = RecordingTransport(bench.server)
    operation(bench, counting)
    return Counter(_what(call) for call in counting.calls)


def _what(call: Request) -> str:
    if call.path.startswith("/topics/"):
        return "reported"
    if call.path.endswith("/events"):
        return "events"
    return "reads" if call.method == "GET" else "writes"


@pytest.mark.parametrize(
    ("build", "operation", "writes", "reads"),
    [
        (starting_states.nothing_yet, submits, 1, 1),
        (starting_states.new, reconciles, 4, 2),
        (by_hand, reconciles, 5, 2),
        (starting_states.retry_due, reconciles, 4, 2),
        (starting_states.retry_due, sweeps, 5, LISTS + 3),
        (starting_states.ready, job_finishes, 1, 1),
        (starting_states.succeeded, job_finishes, 2, 3),
        (starting_states.failed, job_finishes, 2, 3),
        (starting_states.running, cancels, 2, 2),
        (starting_states.being_deleted, reconciles, 3, 2),
        (starting_states.unreported, reports, 1, 1),
        (starting_states.finished, reconciles, 0, 1),
        (starting_states.finished, job_finishes, 0, 1),
        (starting_states.finished, reports, 0, 1),
        (starting_states.finished, sweeps, 0, LISTS),
        (starting_states.deleted, sweeps, 0, LISTS),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("kind", KINDS)
def test_function_stays_within_its_call_budget(
    kind: str, build: Build, operation: Operation, writes: int, reads: int
) -> None:
    starts = build in (starting_states.new, by_hand, starting_states.retry_due)
    workspace = 1 if kind == "CodeRun" and starts else 0
    found = cost(kind, build, operation)
    assert found["writes"] <= writes + workspace, found
    assert found["reads"] <= reads, found
    assert found["events"] <= 1, found
