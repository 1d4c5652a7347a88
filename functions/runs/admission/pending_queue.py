"""The head of the pending queue, kept in the ledger so that a freed slot can be filled without listing all runs. Pure.

Order: priority (highest first), then age, then uid. At most MAX_QUEUED entries are kept; `truncated` records that more
runs may be waiting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.runs.admission.capacity import Reservation, reservation
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run

MAX_QUEUED = 32
"""Most entries: some 400 bytes each, in an annotation that is written with each change of the ledger."""


@dataclass(frozen=True, slots=True)
class PendingRun:
    """A run that could start now; small, because a sweep keeps all there are."""

    order: tuple[int, datetime, str]
    namespace: str
    is_marked_queued: bool
    """Whether its status already says that it waits."""
    reservation: Reservation

    @property
    def uid(self) -> str:
        """The run's uid."""
        return self.order[-1]

    @property
    def key(self) -> str:
        """`namespace/name`, as logs name it."""
        return f"{self.namespace}/{self.reservation.name}"


def pending_run(run: Run) -> PendingRun:
    """Return the run as an entry of the queue."""
    priority = run.spec.priority if run.spec else 0
    queued = run.status.succeeded is not None and run.status.succeeded.reason == Reason.QUEUED
    return PendingRun((-priority, run.created, run.uid), run.namespace, queued, reservation(run))


def is_admissible(run: Run, now: datetime) -> bool:
    """Return whether the run lacks nothing but a free slot.

    A run whose last failure people must fix is not admissible: it requests a slot itself once the cause is gone.
    """
    if run.cancel or run.deleting or run.spec is None or run.status_error:
        return False
    if states.state(run.status) is not State.WAITING:
        return False
    at = run.status.next_attempt_at
    return (at is None or at <= now) and not run.status.waits_for_fix


@dataclass(frozen=True, slots=True)
class PendingQueue:
    """The first pending runs in order, as recorded when each was queued."""

    head: Sequence[PendingRun] = ()
    truncated: bool = False
    """Whether other runs may wait behind them."""

    @staticmethod
    def from_runs(pending: Iterable[PendingRun], *, truncated: bool = False) -> "PendingQueue":
        """Return the queue of these runs, keeping the first MAX_QUEUED."""
        ordered = sorted(pending, key=lambda run: run.order)
        return PendingQueue(tuple(ordered[:MAX_QUEUED]), truncated or len(ordered) > MAX_QUEUED)

    def enqueued(self, run: PendingRun) -> "PendingQueue":
        """Return the queue with the run inserted in order, or unchanged if its position is not known."""
        if not self.knows_position(run):
            return self
        return PendingQueue.from_runs([*self.dequeued(run.uid).head, run], truncated=self.truncated)

    def dequeued(self, uid: str) -> "PendingQueue":
        """Return the queue without the run."""
        return PendingQueue(tuple(run for run in self.head if run.uid != uid), self.truncated)

    def knows_position(self, run: PendingRun) -> bool:
        """Return whether every run ahead of this one is in `head`."""
        return not self.truncated or any(run.order <= queued.order for queued in self.head)
