"""How a sweep gives out places: runs that lack nothing else are left to one pass over all of them, not asked one by
one.

Only a sweep that saw every run knows whose turn it is. One that began further on, or ran out of time, has all of them
listed once more for it; nothing is driven meanwhile, so that this is a matter of seconds.
"""

from collections.abc import Sequence
from functools import partial

from functions.cluster.errors import Conflict
from functions.reconciler import admission
from functions.reconciler.reconciler import reconcile
from functions.runs.admission.cycle import Admission, AdmissionCycle
from functions.runs.admission.pending_queue import PendingRun
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.storage.isolation import isolate_errors
from functions.storage.ledger_store import VersionedLedger
from functions.sweeper.repairs import RepairLog
from functions.sweeper.scan import TimeBudget


class SlotAssigner:
    """The ledger as it was before the runs were listed, and the runs that could start now."""

    def __init__(self, services: Dependencies) -> None:
        """Raises a ClusterError."""
        self._services = services
        self._book = services.ledger.read() if services.policy.limits.on else None
        if self._book:
            self._pass = AdmissionCycle(self._book.ledger, services.policy.limits, services.clock())

    def see(self, run: Run) -> bool:
        """Whether the run is left to the pass."""
        return self._book is not None and self._pass.observe(run)

    def given(self, *, whole: bool) -> Sequence[PendingRun]:
        """Who has to be driven: those who got a place, and then those whose status does not say yet that they wait.

        `whole` says that every unfinished run was seen. Raises a ClusterError.
        """
        found = self._admitted(self._book, whole=whole) if self._book else None
        return [*found.admitted, *(each for each, _ in found.waiting if not each.is_marked_queued)] if found else []

    def _admitted(self, book: VersionedLedger, *, whole: bool) -> Admission:
        if whole:
            try:
                return admission.close(self._services, book, self._pass)
            except Conflict:  # somebody started or ended meanwhile
                pass
        return self._services.ledger.update_serialized(partial(admission.given_out, self._services))


def start(
    services: Dependencies, candidates: Sequence[PendingRun], deadline: TimeBudget, healed: RepairLog
) -> tuple[list[str], bool]:
    """Drives each in turn, at least one; answers who could not be driven, and whether there was time for all.

    The ledger has the places of those who are left: the next pass finds them there.
    """
    failed: list[str] = []
    for number, each in enumerate(candidates):
        if number and deadline.over:
            return failed, False
        with healed.run(each.key) as taken:
            step = partial(reconcile, services, each.reservation.kind, each.namespace, each.reservation.name, taken)
            failed += [] if isolate_errors(each.key, step) else [each.key]
    return failed, True
