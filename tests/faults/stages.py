"""The interesting moments of a run's life, each reached once and then copied, and what may happen at each of them."""

from collections.abc import Callable
from functools import cache

from functions.cluster.errors import NotFound
from functions.cluster.kinds import CODE_RUN, JOB
from functions.cluster.transport import Transport
from functions.handlers import reconcile
from functions.handlers.services import Services
from functions.runs import naming
from tests.faults.place import NAME, NAMESPACE, Ending, Place, Stage
from tests.life.test_run import LOST, event, submitted
from tests.support.crashing import Crashing, Killed


def new(place: Place) -> None:
    """Just submitted."""
    submitted(place.world, name=NAME)


def job_missing(place: Place) -> None:
    """The attempt is recorded; whoever recorded it died before creating anything."""
    new(place)
    try:
        place.reconcile(place.services(Crashing(place.server, at=1, after=True)))
    except Killed:
        place.world.later(seconds=11)
        return
    raise AssertionError("nobody died")


def pending(place: Place) -> None:
    """The Job is there, its pod is not."""
    new(place)
    place.reconcile()


def ready(place: Place) -> None:
    """The agent works, and nobody has noticed."""
    pending(place)
    place.pod_comes_up()


def running(place: Place) -> None:
    ready(place)
    place.job_events()


def succeeded(place: Place) -> None:
    """The Job ended well, and nobody has noticed."""
    running(place)
    place.pod_ends()


def failed(place: Place) -> None:
    """The Job ended badly, and nobody has noticed."""
    running(place)
    place.pod_ends(Ending(LOST, ok=False))


def in_grace(place: Place) -> None:
    """A deadline ended the Job, and its pod still works."""
    running(place)
    condition = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}
    job = place.jobs()[0]["metadata"]["name"]
    place.kubelet.patch(JOB, NAMESPACE, job, {"status": {"active": 0, "conditions": [condition]}}, "status")


def retry_due(place: Place) -> None:
    """The first attempt failed, and the pause before the second is over."""
    failed(place)
    place.job_events()
    place.world.later(minutes=1)


def finished(place: Place) -> None:
    succeeded(place)
    place.job_events()


def unmarked(place: Place) -> None:
    """The final status is written; whoever wrote it died before marking the run as finished."""
    finished(place)
    place.kubelet.patch(CODE_RUN, NAMESPACE, NAME, {"metadata": {"labels": {naming.FINISHED: None}}})


def name_taken(place: Place) -> None:
    """A Job of somebody else has the name that the first attempt's Job will have."""
    new(place)
    uid = place.raw()["metadata"]["uid"]
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "x"}]}}
    name = naming.job_name("CodeRun", NAME, uid, 1)
    item = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": NAMESPACE}}
    place.kubelet.create(JOB, item | {"spec": {"template": template}})


STAGES = [
    new,
    job_missing,
    pending,
    ready,
    running,
    succeeded,
    failed,
    in_grace,
    retry_due,
    finished,
    unmarked,
    name_taken,
]


@cache
def reached(build: Callable[[Place], None]) -> Stage:
    """The stage that `build` leads to."""
    place = Place()
    build(place)
    assert place.witness.violations == []
    return place.stage(build.__name__)


Happening = Callable[[Place, Transport], None]


def reconciles(place: Place, transport: Transport) -> None:
    place.reconcile(place.services(transport))


def job_finishes(place: Place, transport: Transport) -> None:
    place.job_events(place.services(transport))


def sweeps(place: Place, transport: Transport) -> None:
    place.sweep(place.services(transport))


def cancels(place: Place, transport: Transport) -> None:
    _asks(place.services(transport), {"cancel": True})


def retries(place: Place, transport: Transport) -> None:
    _asks(place.services(transport), {"contextVersion": 2})


def deletes(place: Place, transport: Transport) -> None:
    services = place.services(transport)
    try:
        run = services.cluster.get(CODE_RUN, NAMESPACE, NAME)
        services.cluster.delete(CODE_RUN, NAMESPACE, NAME, run["metadata"]["uid"])
        reconcile.handle(services, event(services.cluster.get(CODE_RUN, NAMESPACE, NAME)))
    except NotFound:
        return


def _asks(services: Services, spec: dict[str, object]) -> None:
    """A person changes the run, and the event of that change is delivered."""
    try:
        raw = services.cluster.patch(CODE_RUN, NAMESPACE, NAME, {"spec": spec})
    except NotFound:
        return
    reconcile.handle(services, event(raw))


HAPPENINGS: list[Happening] = [reconciles, job_finishes, sweeps, cancels, deletes, retries]
