"""The ledger: which runs may have a live attempt, and which is next. Pure.

It is written with the version it was read at, so that of two processes that compete for the last slot one fails. A
reservation is made for one version of a run, before the attempt is recorded in it, and stands until that attempt has
ended: if the process that admitted a run dies, any other can start it. If the run has moved on without starting, no
process can start it at the old version any more, and the reservation may go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from functions.runs.admission.capacity import Reservation, Usage
from functions.runs.admission.pending_queue import PendingQueue, PendingRun
from functions.runs.model.limits import ALL, Limits
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle


@dataclass(frozen=True, slots=True)
class Ledger:
    """The reservations, by the run's uid, and the head of the pending queue.

    `last_rejected` is the uid of a run that found no slot. While it is set, no run takes a slot without a look at the
    runs that were there before. It changes with each rejected run, also if `pending` is too long to list it: a process
    that admits runs at the same time then finds that the ledger was written.
    """

    entries: Mapping[str, Reservation] = field(default_factory=dict)
    last_rejected: str = ""
    pending: PendingQueue = field(default_factory=PendingQueue)

    def is_reserved(self, run: Run) -> bool:
        """Return whether the run, at its present version, may start its next attempt."""
        reserved = self.entries.get(run.uid)
        return reserved is not None and reserved.version == run.resource_version

    def obstacle(self, uid: str, keys: Iterable[str], limits: Limits) -> Obstacle | None:
        """Return why the run does not fit; None if it fits. Its own reservation is not counted."""
        return self._usage_without(uid).obstacle(keys, limits)

    def obstacle_in_order(self, run: PendingRun, limits: Limits) -> Obstacle | None:
        """Return why the run does not fit once those ahead of it in the queue have what they can get."""
        usage = self._usage_without(run.uid)
        for queued in self.pending.head:
            if queued.order < run.order and not usage.obstacle(queued.reservation.keys, limits):
                usage.add(queued.reservation)
        return usage.obstacle(run.reservation.keys, limits)

    def _usage_without(self, uid: str) -> Usage:
        return Usage(reserved for other, reserved in self.entries.items() if other != uid)

    def next(self, limits: Limits) -> PendingRun | None:
        """Return the first run of the queue that fits."""
        usage = Usage(self.entries.values())
        return next((run for run in self.pending.head if not usage.obstacle(run.reservation.keys, limits)), None)

    def needs_full_scan(self, limits: Limits) -> bool:
        """Return whether there may be room for a run that the queue does not list."""
        return self.pending.truncated and not Usage(self.entries.values()).obstacle([ALL], limits)

    def with_reservation(self, uid: str, reserved: Reservation) -> "Ledger":
        """Return the ledger with this reservation for the run, which does not wait any more."""
        return replace(self.dequeued(uid), entries={**self.entries, uid: reserved})

    def without_reservation(self, uid: str) -> "Ledger":
        """Return the ledger without the run's reservation."""
        return replace(self, entries={other: reserved for other, reserved in self.entries.items() if other != uid})

    def enqueued(self, run: PendingRun) -> "Ledger":
        """Return the ledger with the run waiting."""
        return replace(self, last_rejected=run.uid, pending=self.pending.enqueued(run))

    def dequeued(self, uid: str) -> "Ledger":
        """Return the ledger in which the run does not wait; if it was the last one, no run does."""
        pending = self.pending.dequeued(uid)
        waits = pending.head or pending.truncated
        return replace(self, last_rejected=self.last_rejected if waits else "", pending=pending)
