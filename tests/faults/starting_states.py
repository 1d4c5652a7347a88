"""The interesting moments of a run's life, each reached once and then copied."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from functions.cluster.errors import Unavailable
from functions.cluster.kinds import JOB, POD
from functions.runs import api_group
from functions.runs.model import naming
from tests.faults.bench import NAMESPACE, Bench, ContainerEnd, StartingState
from tests.faults.operations import submits
from tests.support.crashing import CrashingTransport, Killed
from tests.support.memoized_server import StateGraph
from tests.support.refusing import RefusingTransport
from tests.support.run_steps import LOST

Build = Callable[[Bench], None]
KINDS = ("CodeRun", "DocsRun")
_nothing = StateGraph()


def nothing_yet(place: Bench) -> None:
    """Nobody has asked for anything."""


def new(place: Bench) -> None:
    """Just submitted."""
    submits(place, place.server)


def job_missing(place: Bench) -> None:
    """The attempt is recorded; whoever recorded it died before creating anything."""
    new(place)
    with suppress(Killed):
        place.reconcile(place.services(CrashingTransport(place.server, at=2, after=True)))
    place.world.later(seconds=11)
    assert place.all_runs()[0].status.open_attempt, "nobody recorded an attempt"


def edited(place: Bench) -> None:
    """Whoever recorded the attempt died with its task files made, and then its spec was changed."""
    new(place)
    with suppress(Unavailable):
        place.reconcile(place.services(RefusingTransport(place.server, "jobs", lambda: Unavailable("it died here"))))
    place.kubelet.patch(place.runs, NAMESPACE, place.name, {"spec": {"model": "claude-other"}})
    place.world.later(seconds=11)
    assert place.jobs() == []


def pending(place: Bench) -> None:
    """The Job is there, its pod is not."""
    new(place)
    place.reconcile()


def stuck(place: Bench) -> None:
    """No node takes the pod, and the status says so."""
    pending(place)
    place.pod_comes_up()
    job = place.jobs()[0]["metadata"]["name"]
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    no_node = {"phase": "Pending", "conditions": [condition], "containerStatuses": []}
    place.kubelet.patch(POD, NAMESPACE, f"{job}-pod", {"status": no_node}, "status")
    place.kubelet.patch(JOB, NAMESPACE, job, {"status": {"ready": 0}}, "status")
    place.sweep()
    assert place.all_runs()[0].status.pending_since


def ready(place: Bench) -> None:
    """The agent works, and nobody has noticed."""
    pending(place)
    place.pod_comes_up()


def running(place: Bench) -> None:
    """The agent works."""
    ready(place)
    place.job_events()


def succeeded(place: Bench) -> None:
    """The Job ended well, and nobody has noticed."""
    running(place)
    place.pod_ends()


def failed(place: Bench) -> None:
    """The Job ended badly, and nobody has noticed."""
    running(place)
    place.pod_ends(ContainerEnd(LOST, ok=False))


def in_grace(place: Bench) -> None:
    """A deadline ended the Job, and its pod still works."""
    running(place)
    condition = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}
    job = place.jobs()[0]["metadata"]["name"]
    place.kubelet.patch(JOB, NAMESPACE, job, {"status": {"active": 0, "conditions": [condition]}}, "status")


def retry_due(place: Bench) -> None:
    """The first attempt failed, and the pause before the second is over."""
    failed(place)
    place.job_events()
    place.world.later(minutes=1)


def untold(place: Bench) -> None:
    """The run succeeded, and nobody was told."""
    succeeded(place)
    place.job_events()


def finished(place: Bench) -> None:
    """The run succeeded."""
    untold(place)
    place.report()
    place.reconcile()


def unmarked(place: Bench) -> None:
    """The final status is written; whoever wrote it died before marking the run as finished."""
    finished(place)
    place.kubelet.patch(place.runs, NAMESPACE, place.name, {"metadata": {"labels": {api_group.FINISHED: None}}})


def name_taken(place: Bench) -> None:
    """A Job of somebody else has the name that the first attempt's Job will have."""
    new(place)
    uid = place.raw()["metadata"]["uid"]
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "x"}]}}
    name = naming.job_name(place.kind, place.name, uid, 1)
    item = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": NAMESPACE}}
    place.kubelet.create(JOB, item | {"spec": {"template": template}})


def going(place: Bench) -> None:
    """The run works and is being deleted; nobody has noticed."""
    running(place)
    place.kubelet.delete(place.runs, NAMESPACE, place.name, place.raw()["metadata"]["uid"])


def gone(place: Bench) -> None:
    """The run was deleted, and its tombstone stands."""
    going(place)
    place.reconcile()
    place.server.collect()


STARTING_STATES: list[Build] = [
    nothing_yet,
    new,
    job_missing,
    edited,
    pending,
    stuck,
    ready,
    running,
    succeeded,
    failed,
    in_grace,
    retry_due,
    untold,
    finished,
    unmarked,
    name_taken,
    going,
    gone,
]
ALL_STARTING_STATES = list(itertools.product(KINDS, STARTING_STATES))
"""Every stage of the life of either kind of run."""


@cache
def starting_state(build: Build, kind: str = "CodeRun") -> StartingState:
    """The stage that `build` leads to."""
    place = Bench(StartingState("", kind, _nothing))
    build(place)
    assert place.witness.violations == []
    return place.stage(build.__name__)
