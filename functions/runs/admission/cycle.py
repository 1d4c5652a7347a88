"""One scheduling cycle over every unfinished run: which are admitted, in order, and what the others wait for. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.runs.admission.capacity import Reservation, Usage, reservation
from functions.runs.admission.ledger import Ledger
from functions.runs.admission.pending_queue import PendingQueue, PendingRun, is_admissible, pending_run
from functions.runs.model.limits import Limits
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle


@dataclass(frozen=True, slots=True)
class Admission:
    """The result of a cycle: the ledger to write, the admitted runs, and what each of the others waits for."""

    ledger: Ledger
    admitted: Sequence[PendingRun]
    waiting: Sequence[tuple[PendingRun, Obstacle]]


class AdmissionCycle:
    """One look at every unfinished run, each read after the ledger was."""

    def __init__(self, ledger: Ledger, limits: Limits, now: datetime) -> None:
        """Begin a cycle from the ledger as it was read."""
        self._limits, self._now = limits, now
        self._kept: dict[str, Reservation] = {}
        self._pending: dict[str, PendingRun] = {}
        self._unseen = dict(ledger.entries)

    @property
    def unseen(self) -> Mapping[str, Reservation]:
        """The reservations of runs that were not observed: they are finished, or deleted."""
        return self._unseen

    def is_out_of_date(self, run: Run) -> bool:
        """Return whether the run has a reservation that it was not seen to use: it may have started since the list.

        Only a run at its present version may lose a reservation.
        """
        reserved = self._unseen.get(run.uid)
        return reserved is not None and run.status.open_attempt is None and reserved.version != run.resource_version

    def observe(self, run: Run) -> bool:
        """Take the run into account; return whether it only lacks a slot."""
        if run.is_released:
            return False  # its pods decide, as those of a run that is gone
        reserved = self._unseen.pop(run.uid, None)
        if run.status.open_attempt:  # without a reservation: the ledger was lost, or limits are new
            self._kept[run.uid] = reserved or reservation(run)
            return False
        if reserved and (reserved.version == run.resource_version or run.status_error):
            self._kept[run.uid] = reserved
        admissible = is_admissible(run, self._now)
        if admissible:
            self._pending[run.uid] = pending_run(run)
        return admissible

    def keep(self, uid: str) -> None:
        """Keep the reservation of an unseen run, because its pods are not gone."""
        self._kept[uid] = self._unseen[uid]

    def admit_all(self) -> Admission:
        """Admit every pending run that fits, in order; one that does not fit does not block those behind it."""
        entries, usage = dict(self._kept), Usage(self._kept.values())
        admitted: list[PendingRun] = []
        waiting: list[tuple[PendingRun, Obstacle]] = []
        for pending in sorted(self._pending.values(), key=lambda pending: pending.order):
            obstacle = None if pending.uid in self._kept else usage.obstacle(pending.reservation.keys, self._limits)
            if obstacle:
                waiting.append((pending, obstacle))
                continue
            admitted.append(pending)
            if pending.uid not in entries:
                entries[pending.uid] = pending.reservation
                usage.add(pending.reservation)
        queue = PendingQueue.from_runs(pending for pending, _ in waiting)
        return Admission(Ledger(entries, waiting[0][0].uid if waiting else "", queue), admitted, waiting)

    def admit_one(self, run: Run) -> tuple[Ledger, Obstacle | None]:
        """Return the ledger after the run alone was admitted to what is left for it, and what it waits for, if it does.

        Other runs that fit are not admitted: this process would not start them. Those that were never shown as queued
        request a slot themselves; the ledger does not list them, or each of many runs that come at one time would
        have to look at all the others.
        """
        self._pending[run.uid] = pending_run(run)
        all_admitted = self.admit_all()
        obstacle = next((why for pending, why in all_admitted.waiting if pending.uid == run.uid), None)
        mine = {} if obstacle else {run.uid: all_admitted.ledger.entries[run.uid]}
        known = {**self._kept, **mine}
        queued = [pending for pending in all_admitted.admitted if pending.is_marked_queued and pending.uid not in known]
        queue = PendingQueue.from_runs([*(pending for pending, _ in all_admitted.waiting), *queued])
        return Ledger(known, queue.head[0].uid if queue.head else "", queue), obstacle
