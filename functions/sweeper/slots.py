"""Assigns free slots in a sweep: the runs that only lack a slot are admitted together instead of one by one.

Only a pass that saw every unfinished run knows their order. One that began further on, or ran out of time, lists them
all once more; it drives no run meanwhile, so that takes seconds.
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
from functions.storage.error_isolation import isolate_errors
from functions.storage.ledger_store import VersionedLedger
from functions.sweeper.repairs import RepairLog
from functions.sweeper.scan import TimeBudget


class SlotAssigner:
    """The ledger as it was before the runs were listed, and the runs that could start now."""

    def __init__(self, deps: Dependencies) -> None:
        """Read the ledger, if limits are set. Raises ClusterError."""
        self._deps = deps
        self._ledger = deps.ledger.read() if deps.policy.limits.on else None
        if self._ledger:
            self._cycle = AdmissionCycle(self._ledger.ledger, deps.policy.limits, deps.clock())

    def consider(self, run: Run) -> bool:
        """Take the run into account; return whether it only lacks a slot, and is left to `assign`.

        Raises ClusterError: a run that lost its slot had to be read again, and could not be.
        """
        return self._ledger is not None and admission.observe(self._deps, self._cycle, run)

    def assign(self, *, complete: bool) -> Sequence[PendingRun]:
        """Assign the free slots; return the runs to drive. Raises ClusterError.

        First those that got a slot, then those whose status does not show yet that they wait. `complete` says that
        every unfinished run was considered.
        """
        if not self._ledger:
            return []
        cycle = self._admit(self._ledger, complete=complete)
        return [*cycle.admitted, *(pending for pending, _ in cycle.waiting if not pending.is_marked_queued)]

    def _admit(self, ledger: VersionedLedger, *, complete: bool) -> Admission:
        if complete:
            try:
                return admission.finish(self._deps, ledger, self._cycle)
            except Conflict:  # a run started or ended meanwhile
                pass
        return self._deps.ledger.update_serialized(partial(admission.admit_all, self._deps))


def start_runs(
    deps: Dependencies, candidates: Sequence[PendingRun], budget: TimeBudget, repairs: RepairLog
) -> tuple[list[str], bool]:
    """Drive the runs in turn, at least one; return the keys of those that failed, and whether time sufficed for all.

    The ledger keeps the slots of the remaining runs: the next pass finds them there.
    """
    failed: list[str] = []
    for number, pending in enumerate(candidates):
        if number and budget.over:
            return failed, False
        with repairs.record(pending.key) as taken:
            step = partial(
                reconcile, deps, pending.reservation.kind, pending.namespace, pending.reservation.name, taken
            )
            if not isolate_errors(pending.key, step):
                failed.append(pending.key)
    return failed, True
