"""Places for runs that want to work: asked for by a run about to start, given out when one is free.

A run that finds room and nobody waiting takes its place with one read and one write of the ledger. Where others wait,
the line in the ledger says who is before it; where that does not tell, every unfinished run is looked at, so that the
order is kept. The first one that has to wait looks once more when the ledger says so: whoever ends from then on gives
its place away.
"""

from functools import partial

from functions.cluster.kinds import JOB, POD
from functions.runs import api_group
from functions.runs.admission.capacity import Reservation
from functions.runs.admission.cycle import Admission, AdmissionCycle
from functions.runs.admission.pending_queue import pending_run
from functions.runs.admission.reservations import Ledger
from functions.runs.lifecycle import states
from functions.runs.lifecycle.observed import parse_job, parse_pod
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.storage.ledger_store import VersionedLedger


def ask(services: Dependencies, run: Run) -> str | None:
    """What the run, about to start, has to wait for; None once the ledger has its place. Raises ClusterError."""
    if not services.policy.limits.on:
        return None
    obstacle, first = services.ledger.update_serialized(partial(_ask, services, run))
    return services.ledger.update_serialized(partial(_ask_again, services, run)) if obstacle and first else obstacle


def _ask(services: Dependencies, run: Run, book: VersionedLedger) -> tuple[str | None, bool]:
    """What it waits for, and whether nobody was known to wait before."""
    ledger, mine, limits = book.ledger, pending_run(run), services.policy.limits
    if ledger.is_reserved(run):
        return None, False
    obstacle = ledger.obstacle(run.uid, mine.reservation.keys, limits)
    first = not book.exists or bool(obstacle and not ledger.last_rejected)
    if first or (not obstacle and ledger.last_rejected and not ledger.pending.knows_position(mine)):
        after, obstacle = _looked(services, run, book)
        book.write(after)
        return obstacle, first
    if not obstacle and ledger.last_rejected:
        obstacle = ledger.obstacle_in_order(mine, limits)
    elif mine.is_marked_queued:
        return obstacle, False
    book.write(ledger.enqueued(mine) if obstacle else ledger.with_reservation(run.uid, mine.reservation))
    return obstacle, False


def _ask_again(services: Dependencies, run: Run, book: VersionedLedger) -> str | None:
    """A run that ended while the first one who waits looked at it gave its place to nobody, for nobody waited."""
    after, obstacle = _looked(services, run, book)
    if not obstacle:
        book.write(after)
    return obstacle


def _looked(services: Dependencies, run: Run, book: VersionedLedger) -> tuple[Ledger, str | None]:
    """Who is there is found out: there is no ledger, or it may name runs that have ended, or not name all."""
    looked = AdmissionCycle(book.ledger, services.policy.limits, services.clock())
    for other in services.runs.list_unfinished():
        looked.observe(other)
    _settle(services, looked)
    return looked.admit_one(run)


def given_out(services: Dependencies, book: VersionedLedger) -> Admission:
    """What is free, given to whoever waits, after a look at every run. Raises ClusterError."""
    looked = AdmissionCycle(book.ledger, services.policy.limits, services.clock())
    for run in services.runs.list_unfinished():
        looked.observe(run)
    return close(services, book, looked)


def close(services: Dependencies, book: VersionedLedger, looked: AdmissionCycle) -> Admission:
    """Writes what the pass comes to. Raises Conflict where somebody else wrote the ledger first."""
    _settle(services, looked)
    found = looked.admit_all()
    book.write(found.ledger)
    return found


def _settle(services: Dependencies, looked: AdmissionCycle) -> None:
    """Keeps the places of runs that are gone but whose pods are not."""
    for uid, held in looked.unseen.items():
        if works(services, uid, held):
            looked.keep(uid)


def works(services: Dependencies, uid: str, held: Reservation) -> bool:
    """Whether the run still needs its place: its attempt may have pods, or may yet begin. Raises ClusterError."""
    namespace = services.settings.namespace
    run = services.runs.find(held.kind, namespace, held.name)
    if run and run.uid == uid:
        ended = states.state(run.status) in states.FINISHED
        moved_on = run.status.open_attempt is None and run.resource_version != held.version
        return not ended and (not moved_on or bool(run.status_error))
    selector = f"{api_group.label('run')}={held.name},{api_group.label('kind')}={RunKind(held.kind).word}"
    # Jobs before pods: a Job that is gone makes no more of them.
    jobs = [parse_job(raw) for raw in services.cluster.list(JOB, namespace, selector)]
    if any(job.owner_uid == uid and not (job.ended or job.fence) for job in jobs):
        return True
    return any(not parse_pod(raw).terminal for raw in services.cluster.list(POD, namespace, selector))
