"""Passes a freed slot on: starts pending runs as soon as there is room.

A process that ends a run admits the next one in the ledger's queue, and looks at no other run. Every unfinished run is
looked at if the queue does not say which is next, and by each sweep.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from functions.reconciler import admission
from functions.reconciler.reconciler import reconcile
from functions.runs.admission.pending_queue import PendingRun, is_admissible, pending_run
from functions.serving.dependencies import Dependencies
from functions.storage.error_isolation import isolate_errors
from functions.storage.ledger_store import VersionedLedger


def admit_next(deps: Dependencies, ended: str) -> None:
    """Pass on the slot of the run with the uid `ended`, if it needs it no more, and start the runs that get one.

    Raises:
        ClusterError: of the ledger or the lists; errors of a single run are logged.
    """
    if deps.policy.limits.on:
        _start(deps, deps.ledger.update_serialized(partial(_admit, deps, ended)))


def _admit(deps: Dependencies, ended: str, stored: VersionedLedger) -> Sequence[PendingRun]:
    ledger, limits = stored.ledger, deps.policy.limits
    if not ledger.last_rejected:
        return ()
    reservation = ledger.entries.get(ended)
    if reservation and not admission.needs_slot(deps, ended, reservation):
        ledger = ledger.without_reservation(ended)
    admitted = []
    while queued := ledger.next(limits):
        present = _present(deps, queued)
        if present and (present.order, present.reservation.keys) != (queued.order, queued.reservation.keys):
            return admission.admit_all(deps, stored).admitted
        ledger = ledger.with_reservation(present.uid, present.reservation) if present else ledger.dequeued(queued.uid)
        admitted += [present] if present else []
    if ledger.needs_full_scan(limits):
        return admission.admit_all(deps, stored).admitted
    stored.write(ledger)
    return admitted


def _present(deps: Dependencies, queued: PendingRun) -> PendingRun | None:
    """Return the queued run as it is now; None if it does not want a slot any more."""
    run = deps.runs.find(queued.reservation.kind, queued.namespace, queued.reservation.name)
    return pending_run(run) if run and run.uid == queued.uid and is_admissible(run, deps.clock()) else None


def _start(deps: Dependencies, admitted: Iterable[PendingRun]) -> None:
    """Drive each run. One that fails keeps its slot, and the sweep drives it."""
    for pending in admitted:
        run = pending.reservation
        isolate_errors(pending.key, partial(reconcile, deps, run.kind, pending.namespace, run.name))
