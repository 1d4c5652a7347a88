"""Starts runs that were waiting for a place, as soon as one is free and in any case with each sweep.

Whoever ends a run gives its place to the next in the ledger's line, and looks at nobody else; every run is looked at
where the line does not tell who is next, and by the sweep.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from functions.reconciler import admission
from functions.reconciler.reconciler import reconcile
from functions.runs.admission.pending_queue import PendingRun, is_admissible, pending_run
from functions.serving.dependencies import Dependencies
from functions.storage.isolation import isolate_errors
from functions.storage.ledger_store import VersionedLedger


def admit_next(services: Dependencies, ended: str) -> None:
    """Gives the place of the run with the uid `ended`, where it needs it no more, to whoever waits, and starts them.

    Raises a ClusterError of the ledger or the lists.
    """
    if services.policy.limits.on:
        start(services, services.ledger.update_serialized(partial(_given_out, services, ended)))


def _given_out(services: Dependencies, ended: str, book: VersionedLedger) -> Sequence[PendingRun]:
    ledger, limits = book.ledger, services.policy.limits
    if not ledger.last_rejected:
        return ()
    held = ledger.entries.get(ended)
    if held and not admission.works(services, ended, held):
        ledger = ledger.without_reservation(ended)
    admitted = []
    while named := ledger.next(limits):
        found = _present(services, named)
        if found and (found.order, found.reservation.keys) != (named.order, tuple(named.reservation.keys)):
            return admission.given_out(services, book).admitted
        ledger = ledger.with_reservation(found.uid, found.reservation) if found else ledger.dequeued(named.uid)
        admitted += [found] if found else []
    if ledger.needs_full_scan(limits):
        return admission.given_out(services, book).admitted
    book.write(ledger)
    return admitted


def _present(services: Dependencies, named: PendingRun) -> PendingRun | None:
    """The one in the line as it is; None where it wants no place any more."""
    run = services.runs.find(named.reservation.kind, named.namespace, named.reservation.name)
    return pending_run(run) if run and run.uid == named.uid and is_admissible(run, services.clock()) else None


def start(services: Dependencies, candidates: Iterable[PendingRun]) -> None:
    """Drives each; those that could not be driven keep their places, and the sweep comes to them."""
    for each in candidates:
        isolate_errors(
            each.key, partial(reconcile, services, each.reservation.kind, each.namespace, each.reservation.name)
        )
