"""Where a run stands in the queue: pure, computed when somebody asks, and kept nowhere.

Kept in a status it would have to be written into every waiting run each time one starts. Whoever asks has listed the
unfinished runs anyway; the order is that of `admission.Pass`, which gives out the places.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from functions.runs.admission.cycle import AdmissionCycle
from functions.runs.admission.pending_queue import PendingRun, is_admissible, pending_run
from functions.runs.admission.reservations import Ledger
from functions.runs.model.limits import Limits
from functions.runs.model.run import Run


@dataclass(frozen=True, slots=True)
class Position:
    """The run is number `place` (1 is next) of the `of` runs that wait; `waits_for` says in words what for.

    A run before it may be held up by something of its own, so that it can be let in earlier; never later because of
    one behind it.
    """

    place: int
    of: int
    waits_for: str

    def __str__(self) -> str:
        return f"{self.place} of {self.of}"


def position(
    runs: Iterable[Run], run: Run, limits: Limits | None, now: datetime, ledger: Ledger | None = None
) -> Position | None:
    """Where `run` stands among `runs`, all that are unfinished; None where it does not wait for a place.

    `limits` None: the asker does not know the settings (a person's terminal); then who waits is taken from what each
    run's status says, which may be a minute old. `ledger` None: places are held by the runs with an open attempt.
    """
    others = (other for other in runs if other.uid != run.uid)
    everyone = [run, *others]
    line = _shown(everyone, now) if limits is None else _waiting(everyone, limits, now, ledger or Ledger())
    found = (Position(place, len(line), why) for place, (each, why) in enumerate(line, 1) if each.uid == run.uid)
    return next(found, None)


def _waiting(runs: Iterable[Run], limits: Limits, now: datetime, ledger: Ledger) -> list[tuple[PendingRun, str]]:
    """Those who would get no place if one pass were made now; a place whose run is not among these is still held."""
    if not limits.on:
        return []
    looked = AdmissionCycle(ledger, limits, now)
    for each in runs:
        looked.observe(each)
    for uid in looked.unseen:
        looked.keep(uid)
    return list(looked.admit_all().waiting)


def _shown(runs: Iterable[Run], now: datetime) -> list[tuple[PendingRun, str]]:
    """Those whose status says that they wait."""
    found = [(pending_run(each), _message(each)) for each in runs if is_admissible(each, now)]
    return sorted(((each, why) for each, why in found if each.is_marked_queued), key=lambda pair: pair[0].order)


def _message(run: Run) -> str:
    return run.status.succeeded.message if run.status.succeeded else ""
