"""Starting states: points in the life of a run, each reached once and then copied."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from functions.cluster.errors import Unavailable
from functions.cluster.kinds import CONFIG_MAP, JOB, POD
from functions.runs import api_group
from functions.runs.model import naming
from tests.faults import cluster_operations
from tests.faults.bench import NAMESPACE, Bench, StartingState
from tests.faults.nodes import ContainerEnd
from tests.faults.operations import OPERATIONS, Operation, retries, submits, submits_another
from tests.support.crashing import CrashingTransport, Killed
from tests.support.memoized_server import StateGraph
from tests.support.refusing import RefusingTransport
from tests.support.run_steps import LOST

Build = Callable[[Bench], None]
KINDS = ("CodeRun", "DocsRun")
_nothing = StateGraph()


def nothing_yet(bench: Bench) -> None:
    """No request was sent."""


def new(bench: Bench) -> None:
    """The run was submitted; no event was handled."""
    submits(bench, bench.server)


def job_missing(bench: Bench) -> None:
    """The attempt is recorded; the process died before creating anything."""
    new(bench)
    with suppress(Killed):
        bench.reconcile(bench.services(CrashingTransport(bench.server, at=2, after=True)))
    bench.harness.later(seconds=11)
    assert bench.all_runs()[0].status.open_attempt, "no attempt was recorded"


def edited(bench: Bench) -> None:
    """The process that recorded the attempt died after creating its task files; then the spec was changed."""
    new(bench)
    with suppress(Unavailable):
        bench.reconcile(bench.services(RefusingTransport(bench.server, "jobs", lambda: Unavailable("it died here"))))
    bench.kubelet.patch(bench.runs, NAMESPACE, bench.name, {"spec": {"model": "claude-other"}})
    bench.harness.later(seconds=11)
    assert bench.nodes.jobs() == []


def pending(bench: Bench) -> None:
    """The Job exists; its pod does not."""
    new(bench)
    bench.reconcile()


def stuck(bench: Bench) -> None:
    """An init container's image cannot be pulled, and the status records the wait."""
    pending(bench)
    cluster_operations.init_container_waits(bench, bench.server)
    bench.sweep()
    assert bench.all_runs()[0].status.pending_since


def ready(bench: Bench) -> None:
    """The agent runs; no event of its Job was handled."""
    pending(bench)
    bench.nodes.pods_come_up()


def running(bench: Bench) -> None:
    """The agent runs."""
    ready(bench)
    bench.job_events()


def suspended(bench: Bench) -> None:
    """A queue suspended the Job while the agent ran, and its pod is deleted."""
    running(bench)
    cluster_operations.suspends(bench, bench.server)
    bench.nodes.finish_pods()
    assert not list(bench.kubelet.list(POD, NAMESPACE))


def beside_sidecar(bench: Bench) -> None:
    """The agent has ended; a sidecar keeps its pod running."""
    running(bench)
    cluster_operations.agent_ends_beside_sidecar(bench, bench.server)


def without_room(bench: Bench) -> None:
    """The run has been Queued for two hours, because a quota has no room for the pod."""
    pending(bench)
    cluster_operations.has_no_room(bench, bench.server)
    bench.harness.later(minutes=1)
    bench.sweep()
    bench.harness.later(hours=2)
    assert bench.all_runs()[0].status.phase == "Queued"


def without_needs(bench: Bench) -> None:
    """Task files and workspace were deleted before the pod started; no event was handled."""
    pending(bench)
    cluster_operations.needs_vanish(bench, bench.server)
    bench.nodes.pods_come_up()
    bench.harness.later(minutes=1)
    assert not list(bench.kubelet.list(CONFIG_MAP, NAMESPACE, api_group.label("attempt")))


def edited_by_others(bench: Bench) -> None:
    """The agent runs; a tool applied the labels of another, finished run to this one."""
    running(bench)
    cluster_operations.others_edit_run(bench, bench.server)


def succeeded(bench: Bench) -> None:
    """The Job succeeded; no event was handled."""
    running(bench)
    bench.nodes.pods_end()


def failed(bench: Bench) -> None:
    """The Job failed; no event was handled."""
    running(bench)
    bench.nodes.pods_end(ContainerEnd(LOST, ok=False))


def in_grace(bench: Bench) -> None:
    """A deadline ended the Job; its pod still runs."""
    running(bench)
    condition = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}
    job = bench.nodes.jobs()[0]["metadata"]["name"]
    bench.kubelet.patch(JOB, NAMESPACE, job, {"status": {"active": 0, "conditions": [condition]}}, "status")


def retry_due(bench: Bench) -> None:
    """The first attempt failed, and the pause before the second is over."""
    failed(bench)
    bench.job_events()
    bench.harness.later(minutes=1)


def unreported(bench: Bench) -> None:
    """The run succeeded; no lifecycle event was published."""
    succeeded(bench)
    bench.job_events()


def finished(bench: Bench) -> None:
    """The run succeeded."""
    unreported(bench)
    bench.report()
    bench.reconcile()


def unmarked(bench: Bench) -> None:
    """The final status is written; the process died before marking the run as finished."""
    finished(bench)
    bench.kubelet.patch(bench.runs, NAMESPACE, bench.name, {"metadata": {"labels": {api_group.FINISHED: None}}})


def name_taken(bench: Bench) -> None:
    """A foreign Job has the name that the first attempt's Job will have."""
    new(bench)
    uid = bench.raw()["metadata"]["uid"]
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "x"}]}}
    name = naming.job_name(bench.kind, bench.name, uid, 1)
    item = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": NAMESPACE}}
    bench.kubelet.create(JOB, item | {"spec": {"template": template}})


def being_deleted(bench: Bench) -> None:
    """The run was deleted while its agent runs; its finalizer holds it, and no event was handled."""
    running(bench)
    bench.kubelet.delete(bench.runs, NAMESPACE, bench.name, bench.raw()["metadata"]["uid"])


def deleted(bench: Bench) -> None:
    """The run was deleted; its tombstone exists."""
    being_deleted(bench)
    bench.reconcile()
    bench.server.collect()


STARTING_STATES: list[Build] = [
    nothing_yet,
    new,
    job_missing,
    edited,
    pending,
    stuck,
    without_room,
    without_needs,
    running,
    suspended,
    beside_sidecar,
    edited_by_others,
    succeeded,
    failed,
    in_grace,
    retry_due,
    unreported,
    finished,
    unmarked,
    name_taken,
    being_deleted,
    deleted,
]
UNFINISHED = (edited, stuck, without_room, without_needs, suspended, beside_sidecar, edited_by_others, retry_due)
"""States in which a repeated request finds the run and a retry is refused, as in `new`, `pending` and `running`."""


def operations_in(build: Build, kind: str) -> list[Operation]:
    """Return the operations to try; those that act as in a state tried already are left out."""
    alike = (submits, submits_another, retries) if build in UNFINISHED else ()
    return [operation for operation in OPERATIONS[kind] if operation not in alike]


ALL_STARTING_STATES = list(itertools.product(KINDS, STARTING_STATES))
"""Each kind of run with each starting state."""


@cache
def starting_state(build: Build, kind: str = "CodeRun") -> StartingState:
    """Return the starting state that `build` leads to."""
    bench = Bench(StartingState("", kind, _nothing))
    build(bench)
    assert bench.checker.violations == []
    return bench.as_starting_state(build.__name__)
