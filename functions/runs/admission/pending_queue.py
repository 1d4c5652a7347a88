"""Who waits for a place, in order: priority, age, uid.

The ledger keeps the first of them, so that a place that gets free goes to the next without a look at every run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.runs.admission.capacity import Reservation, reservation
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import FollowUp, Reason, follow_up
from functions.runs.model.run import Run

MAX_QUEUED = 32
"""Most runs a line names: some 400 bytes each, in an annotation that is written with each entry of the ledger."""


@dataclass(frozen=True, slots=True)
class PendingRun:
    """A run that could start now; small, since a sweep keeps all there are."""

    order: tuple[int, datetime, str]
    namespace: str
    is_marked_queued: bool
    """Whether its status says already that it waits."""
    reservation: Reservation

    @property
    def uid(self) -> str:
        """The run's."""
        return self.order[-1]

    @property
    def key(self) -> str:
        """`namespace/name`, as logs name it."""
        return f"{self.namespace}/{self.reservation.name}"


def pending_run(run: Run) -> PendingRun:
    """The run as one of those that could start."""
    priority = run.spec.priority if run.spec else 0
    queued = run.status.succeeded is not None and run.status.succeeded.reason == Reason.QUEUED
    return PendingRun((-priority, run.created, run.uid), run.namespace, queued, reservation(run))


def is_admissible(run: Run, now: datetime) -> bool:
    """Whether a place is all that the run lacks.

    What waits for people asks for a place by itself, once it was seen that the matter is mended.
    """
    if run.cancel or run.deleting or run.spec is None or run.status_error:
        return False
    if states.state(run.status) is not State.WAITING:
        return False
    shown, at = run.status.succeeded, run.status.next_attempt_at
    return (at is None or at <= now) and not (shown and follow_up(shown.reason) is FollowUp.WAIT_FOR_FIX)


@dataclass(frozen=True, slots=True)
class PendingQueue:
    """The first of those who wait, as they were when they were told to."""

    head: Sequence[PendingRun] = ()
    truncated: bool = False
    """Whether others may wait behind them."""

    @staticmethod
    def from_runs(waiting: Iterable[PendingRun], *, truncated: bool = False) -> "PendingQueue":
        """The line of all these, and where `more`, of others behind them."""
        ordered = sorted(waiting, key=lambda each: each.order)
        return PendingQueue(tuple(ordered[:MAX_QUEUED]), truncated or len(ordered) > MAX_QUEUED)

    def enqueued(self, who: PendingRun) -> "PendingQueue":
        """The line with this one in its turn."""
        if not self.knows_position(who):
            return self
        return PendingQueue.from_runs([*self.dequeued(who.uid).head, who], truncated=self.truncated)

    def dequeued(self, uid: str) -> "PendingQueue":
        """The line that this one has left."""
        return PendingQueue(tuple(each for each in self.head if each.uid != uid), self.truncated)

    def knows_position(self, who: PendingRun) -> bool:
        """Whether nobody but those named here comes before this one."""
        return not self.truncated or any(who.order <= each.order for each in self.head)
