"""The position of a run in the queue. Pure: computed when it is read, and stored nowhere.

In a status it would have to be written into every pending run each time one starts. The caller has listed the
unfinished runs anyway; the order is that of AdmissionCycle, which admits them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.runs.admission.cycle import AdmissionCycle
from functions.runs.admission.ledger import Ledger
from functions.runs.admission.pending_queue import PendingRun, is_admissible, pending_run
from functions.runs.model.limits import Limits
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle


@dataclass(frozen=True, slots=True)
class Position:
    """The run is number `place` (1 is next) of the `of` pending runs; `waits_for` says what for, for people.

    A run ahead of it may be blocked by a key of its own, so that this one is admitted earlier; never later because of
    one behind it.
    """

    place: int
    of: int
    waits_for: str
    holder: str | None = None
    """Kind and name of the run whose workspace or directory it waits for."""

    def __str__(self) -> str:
        return f"{self.place} of {self.of}"


def position(
    runs: Iterable[Run], run: Run, limits: Limits | None, now: datetime, ledger: Ledger | None = None
) -> Position | None:
    """Return the position of `run` among `runs`, all that are unfinished; None if it does not wait for a slot.

    `limits` None: the caller does not know the settings (a person's terminal); then the statuses, which may be a minute
    old, say which runs wait. `ledger` None: slots are held by the runs with an open attempt.
    """
    everyone = [run, *(other for other in runs if other.uid != run.uid)]
    queue = _marked_queued(everyone, now) if limits is None else _pending(everyone, limits, now, ledger or Ledger())
    return _positions(queue).get(run.uid)


def positions(runs: Iterable[Run], now: datetime) -> dict[str, Position]:
    """Return the positions of all `runs` that wait for a slot as their statuses say, by uid."""
    return _positions(_marked_queued(runs, now))


def _positions(queue: Sequence[tuple[PendingRun, Obstacle]]) -> dict[str, Position]:
    return {
        pending.uid: Position(place, len(queue), obstacle.message, obstacle.holder)
        for place, (pending, obstacle) in enumerate(queue, 1)
    }


def _pending(runs: Iterable[Run], limits: Limits, now: datetime, ledger: Ledger) -> list[tuple[PendingRun, Obstacle]]:
    """Return the runs that a cycle would not admit now. A slot whose run is not among `runs` is still held."""
    if not limits.on:
        return []
    cycle = AdmissionCycle(ledger, limits, now)
    for run in runs:
        cycle.observe(run)
    for uid in cycle.unseen:
        cycle.keep(uid)
    return list(cycle.admit_all().waiting)


def _marked_queued(runs: Iterable[Run], now: datetime) -> list[tuple[PendingRun, Obstacle]]:
    """Return the runs whose status says that they wait."""
    pending = [(pending_run(run), _obstacle(run)) for run in runs if is_admissible(run, now)]
    return sorted((pair for pair in pending if pair[0].is_marked_queued), key=lambda pair: pair[0].order)


def _obstacle(run: Run) -> Obstacle:
    """Return what the run waits for, as its message says.

    A quota of the cluster, and an earlier version, record only the message; that version keeps an obstacle of before.
    """
    shown, recorded = run.status.succeeded, run.status.obstacle
    words = shown.message.removeprefix("waits: ") if shown else ""
    return recorded if recorded and recorded.message == words else Obstacle(message=words)
