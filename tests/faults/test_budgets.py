"""What each function may cost the API server (SPEC section 4, Call budget), at every stage, where nothing goes wrong.

    start                 4 writes, one more for the workspace, one more without our finalizer; 1 read
    the agent is seen     1 write, 1 read
    finish                2 writes
    nothing to do         no write, 1 read
    report                1 write, 1 read

A start reads once more where the run came from a request with a key (was it deleted before?), and where the workspace
is there already (whose is it?). Kubernetes Events are at most one per transition and counted apart, as is what the
queue takes. A sweep, which lists from a cache, reads a run once more before it drives it.
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
"""Of a sweep: where the last one stopped; Jobs, pods, runs of both kinds."""


def by_hand(bench: Bench) -> None:
    """Made with kubectl: without our finalizer and labels."""
    starting_states.new(bench)
    bench.kubelet.patch(bench.runs, NAMESPACE, bench.name, {"metadata": {"finalizers": None, "labels": None}})


def cost(kind: str, build: Build, operation: Operation) -> Counter[str]:
    """The calls that something makes at a stage, by what they are."""
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
        (starting_states.going, reconciles, 2, 1),
        (starting_states.untold, reports, 1, 1),
        (starting_states.finished, reconciles, 0, 1),
        (starting_states.finished, job_finishes, 0, 1),
        (starting_states.finished, reports, 0, 1),
        (starting_states.finished, sweeps, 0, LISTS),
        (starting_states.gone, sweeps, 0, LISTS),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("kind", KINDS)
def test_it_stays_within_its_budget(kind: str, build: Build, operation: Operation, writes: int, reads: int) -> None:
    starts = build in (starting_states.new, by_hand, starting_states.retry_due)
    workspace = 1 if kind == "CodeRun" and starts else 0
    found = cost(kind, build, operation)
    assert found["writes"] <= writes + workspace, found
    assert found["reads"] <= reads, found
    assert found["events"] <= 1, found
