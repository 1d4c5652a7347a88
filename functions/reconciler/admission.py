"""Admits runs: a run about to start asks for a slot, and a free slot goes to the next pending run.

A run that finds room while no run is pending takes a slot with one read and one write of the ledger. While others are
pending, the ledger's queue says which come first. If the queue is not conclusive, every unfinished run is looked at,
so that the order holds. The first run that has to wait looks once more after the ledger says that it waits: from then
on every run that ends passes its slot on.

Runs are looked at as the API server's cache has them, so that finished runs which are kept cost nothing. A cache that
is behind gives no slot away twice: a run that has started since is in the ledger, at another version than the cache
has it, and is read again, as is a queued run that the cache does not know yet. A run that has ended since keeps its
slot until the next look. Three looks have to be at the present state: without a ledger; where more runs wait than the
queue names, because one of these that the cache does not know yet would be overtaken; and the second look of the first
run to wait, because no run passes on a slot that the first look took for used.
"""

from functools import partial

from functions.cluster.kinds import JOB, POD
from functions.runs import api_group
from functions.runs.admission.capacity import Reservation
from functions.runs.admission.cycle import Admission, AdmissionCycle
from functions.runs.admission.ledger import Ledger
from functions.runs.admission.pending_queue import pending_run
from functions.runs.lifecycle import states
from functions.runs.lifecycle.observed import parse_job
from functions.runs.lifecycle.pod_status import parse_pod
from functions.runs.model.kinds import RunKind
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle
from functions.serving.dependencies import Dependencies
from functions.storage.ledger_store import VersionedLedger


def request_slot(deps: Dependencies, run: Run) -> Obstacle | None:
    """Return what a run that is about to start has to wait for; None once it has a slot. Raises ClusterError."""
    if not deps.policy.limits.on:
        return None
    obstacle, first = deps.ledger.update_serialized(partial(_request, deps, run))
    return deps.ledger.update_serialized(partial(_request_again, deps, run)) if obstacle and first else obstacle


def _request(deps: Dependencies, run: Run, stored: VersionedLedger) -> tuple[Obstacle | None, bool]:
    """Return what the run waits for, and whether it is the first that is known to wait."""
    ledger, mine, limits = stored.ledger, pending_run(run), deps.policy.limits
    if ledger.is_reserved(run):
        return None, False
    obstacle = ledger.obstacle(run.uid, mine.reservation.keys, limits)
    first = not stored.exists or bool(obstacle and not ledger.last_rejected)
    if first or (not obstacle and ledger.last_rejected and not ledger.pending.knows_position(mine)):
        after, obstacle = _admit_one(deps, run, stored, cached=_may_be_behind(stored))
        stored.write(after)
        return obstacle, first
    if not obstacle and ledger.last_rejected:
        obstacle = ledger.obstacle_in_order(mine, limits)
    elif mine.is_marked_queued:
        return obstacle, False
    stored.write(ledger.enqueued(mine) if obstacle else ledger.with_reservation(run.uid, mine.reservation))
    return obstacle, False


def _request_again(deps: Dependencies, run: Run, stored: VersionedLedger) -> Obstacle | None:
    """Look once more: a run that ended during the first look found no pending run to pass its slot on to."""
    after, obstacle = _admit_one(deps, run, stored, cached=False)
    if not obstacle:
        stored.write(after)
    return obstacle


def _admit_one(
    deps: Dependencies, run: Run, stored: VersionedLedger, *, cached: bool
) -> tuple[Ledger, Obstacle | None]:
    """Look at every unfinished run: there is no ledger, or it may be out of date or not name all pending runs."""
    cycle = _observe_all(deps, stored, cached=cached)
    _keep_live(deps, cycle)
    return cycle.admit_one(run)


def admit_all(deps: Dependencies, stored: VersionedLedger) -> Admission:
    """Give the free slots to pending runs, after a look at every unfinished run. Raises ClusterError."""
    return finish(deps, stored, _observe_all(deps, stored, cached=_may_be_behind(stored)))


def finish(deps: Dependencies, stored: VersionedLedger, cycle: AdmissionCycle) -> Admission:
    """Admit runs after all were observed, and write the ledger; raise Conflict if another process wrote it first."""
    _keep_live(deps, cycle)
    admission = cycle.admit_all()
    stored.write(admission.ledger)
    return admission


def _observe_all(deps: Dependencies, stored: VersionedLedger, *, cached: bool) -> AdmissionCycle:
    cycle, unknown = AdmissionCycle(stored.ledger, deps.policy.limits, deps.clock()), stored.ledger.pending
    for run in deps.runs.list_unfinished(cached=cached):
        unknown = unknown.dequeued(run.uid)
        observe(deps, cycle, run)
    for queued in unknown.head:
        present = deps.runs.find(queued.reservation.kind, queued.namespace, queued.reservation.name)
        if present and present.uid == queued.uid:
            cycle.observe(present)
    return cycle


def observe(deps: Dependencies, cycle: AdmissionCycle, run: Run) -> bool:
    """Take a listed run into account, read again if it has started since; return whether it only lacks a slot.

    Raises ClusterError.
    """
    present = deps.runs.find(run.kind, run.namespace, run.name) if cycle.is_out_of_date(run) else run
    return present is not None and cycle.observe(present)


def _may_be_behind(stored: VersionedLedger) -> bool:
    """Return whether a look may be at the cache: the ledger names all that has to be at the present state."""
    return stored.exists and not stored.ledger.pending.truncated


def _keep_live(deps: Dependencies, cycle: AdmissionCycle) -> None:
    """Keep the reservations of runs that are gone while their pods are not."""
    for uid, reservation in cycle.unseen.items():
        if needs_slot(deps, uid, reservation):
            cycle.keep(uid)


def needs_slot(deps: Dependencies, uid: str, reservation: Reservation) -> bool:
    """Return whether the run still needs its slot: its attempt may have pods, or may yet begin. Raises ClusterError."""
    namespace = deps.settings.namespace
    run = deps.runs.find(reservation.kind, namespace, reservation.name)
    if run and run.uid == uid and not run.is_released:
        ended = states.state(run.status) in states.FINISHED
        moved_on = run.status.open_attempt is None and run.resource_version != reservation.version
        return not ended and (not moved_on or bool(run.status_error))
    word = RunKind(reservation.kind).word
    selector = f"{api_group.label('run')}={reservation.name},{api_group.label('kind')}={word}"
    # Jobs before pods: a Job that is gone creates no more pods.
    jobs = [parse_job(raw) for raw in deps.cluster.list(JOB, namespace, selector)]
    if any(job.owner_uid == uid and not (job.ended or job.fence) for job in jobs):
        return True
    return any(not parse_pod(raw).terminal for raw in deps.cluster.list(POD, namespace, selector))
