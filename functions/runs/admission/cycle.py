"""A look at every unfinished run: who gets a place, in their order, and who waits for what; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.runs.admission.capacity import Reservation, Usage, reservation
from functions.runs.admission.pending_queue import PendingQueue, PendingRun, is_admissible, pending_run
from functions.runs.admission.reservations import Ledger
from functions.runs.model.limits import Limits
from functions.runs.model.run import Run


@dataclass(frozen=True, slots=True)
class Admission:
    """What a pass came to: the ledger to write, who got a place in it, and what each of the others waits for."""

    ledger: Ledger
    admitted: Sequence[PendingRun]
    waiting: Sequence[tuple[PendingRun, str]]


class AdmissionCycle:
    """One look at every unfinished run, each read after the ledger was."""

    def __init__(self, ledger: Ledger, limits: Limits, now: datetime) -> None:
        self._limits, self._now = limits, now
        self._kept: dict[str, Reservation] = {}
        self._candidates: dict[str, PendingRun] = {}
        self._unseen = dict(ledger.entries)

    @property
    def unseen(self) -> Mapping[str, Reservation]:
        """The entries of runs that were not seen: they are finished, or deleted."""
        return self._unseen

    def observe(self, run: Run) -> bool:
        """Takes the run into account; whether a place is all it lacks."""
        held = self._unseen.pop(run.uid, None)
        if run.status.open_attempt:  # without an entry: the ledger was lost, or limits are new
            self._kept[run.uid] = held or reservation(run)
            return False
        if held and (held.version == run.resource_version or run.status_error):
            self._kept[run.uid] = held
        wants = is_admissible(run, self._now)
        if wants:
            self._candidates[run.uid] = pending_run(run)
        return wants

    def keep(self, uid: str) -> None:
        """Leaves the entry of an unseen run where it is: its pods are not gone."""
        self._kept[uid] = self._unseen[uid]

    def admit_all(self) -> Admission:
        """Gives each candidate, in their order, what it holds, where that is free; none holds up those after it."""
        entries, held = dict(self._kept), Usage(self._kept.values())
        admitted: list[PendingRun] = []
        waiting: list[tuple[PendingRun, str]] = []
        for each in sorted(self._candidates.values(), key=lambda each: each.order):
            obstacle = None if each.uid in self._kept else held.obstacle(each.reservation.keys, self._limits)
            if obstacle:
                waiting.append((each, obstacle))
                continue
            admitted.append(each)
            if each.uid not in entries:
                entries[each.uid] = each.reservation
                held.add(each.reservation)
        line = PendingQueue.from_runs(each for each, _ in waiting)
        return Admission(Ledger(entries, waiting[0][0].uid if waiting else "", line), admitted, waiting)

    def admit_one(self, run: Run) -> tuple[Ledger, str | None]:
        """The ledger after the run alone was given what is left to it, or what it waits for.

        The others who would get a place are not given one: nobody here would start them. Those of them who were never
        told to wait ask for themselves; the ledger does not say that they wait, or each of many who come at once
        would have to look at all the others.
        """
        self._candidates[run.uid] = pending_run(run)
        whole = self.admit_all()
        obstacle = next((why for each, why in whole.waiting if each.uid == run.uid), None)
        mine = {} if obstacle else {run.uid: whole.ledger.entries[run.uid]}
        told = [each for each in whole.admitted if each.is_marked_queued and each.uid not in {**self._kept, **mine}]
        line = PendingQueue.from_runs([*(each for each, _ in whole.waiting), *told])
        return Ledger({**self._kept, **mine}, line.head[0].uid if line.head else "", line), obstacle
