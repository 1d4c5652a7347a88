"""The ledger: which runs may have a live attempt, and who is next; pure.

It is written with the version it was read at: two who race for the last place cannot both get it. An entry is given
to one version of a run, before the attempt is recorded in it, and stands until that attempt has ended: whoever
admitted a run may die at once, and anybody else may start it; and where the run has moved on without starting, nobody
can start it at the old version any more, so that the entry is free to go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from functions.runs.admission.capacity import Reservation, Usage
from functions.runs.admission.pending_queue import PendingQueue, PendingRun
from functions.runs.model.limits import ALL, Limits
from functions.runs.model.run import Run


@dataclass(frozen=True, slots=True)
class Ledger:
    """Who holds what, by the run's uid.

    `waiting` is the uid of a run that found no place. Until a pass finds none waiting, nobody takes a place without a
    look at who was there before. It changes with each that has to wait, also where `line` is too long to name it:
    who gives out places at the same time then finds that the ledger was written.
    """

    entries: Mapping[str, Reservation] = field(default_factory=dict)
    last_rejected: str = ""
    pending: PendingQueue = field(default_factory=PendingQueue)

    def is_reserved(self, run: Run) -> bool:
        """Whether the run, as it is, may start its next attempt."""
        entry = self.entries.get(run.uid)
        return entry is not None and entry.version == run.resource_version

    def obstacle(self, uid: str, holds: Iterable[str], limits: Limits) -> str | None:
        """What has no room for these holds of the run, in words; None where all have. It is not in its own way."""
        return self._held_beside(uid).obstacle(holds, limits)

    def obstacle_in_order(self, who: PendingRun, limits: Limits) -> str | None:
        """What has no room for this one once those before it in the line have what they can get."""
        held = self._held_beside(who.uid)
        for each in self.pending.head:
            if each.order < who.order and not held.obstacle(each.reservation.keys, limits):
                held.add(each.reservation)
        return held.obstacle(who.reservation.keys, limits)

    def _held_beside(self, uid: str) -> Usage:
        return Usage(entry for other, entry in self.entries.items() if other != uid)

    def next(self, limits: Limits) -> PendingRun | None:
        """The first in the line that there is room for."""
        held = Usage(self.entries.values())
        return next((each for each in self.pending.head if not held.obstacle(each.reservation.keys, limits)), None)

    def needs_full_scan(self, limits: Limits) -> bool:
        """Whether there may be room for somebody whom the line does not name."""
        return self.pending.truncated and not Usage(self.entries.values()).obstacle([ALL], limits)

    def with_reservation(self, uid: str, entry: Reservation) -> "Ledger":
        """The ledger with this entry for the run, which does not wait any more."""
        return replace(self.dequeued(uid), entries={**self.entries, uid: entry})

    def without_reservation(self, uid: str) -> "Ledger":
        """The ledger without what the run held."""
        return replace(self, entries={other: entry for other, entry in self.entries.items() if other != uid})

    def enqueued(self, who: PendingRun) -> "Ledger":
        """The ledger with this one waiting."""
        return replace(self, last_rejected=who.uid, pending=self.pending.enqueued(who))

    def dequeued(self, uid: str) -> "Ledger":
        """The ledger in which the run does not wait; where it was the last, nobody does."""
        pending = self.pending.dequeued(uid)
        return replace(
            self, last_rejected=self.last_rejected if pending.head or pending.truncated else "", pending=pending
        )
