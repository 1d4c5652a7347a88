"""Costs and results of the runs of the last days, by day (UTC). Pure.

It covers the runs that are still kept (settings retention): succeeded ones 7 days by default.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from functions.views.rows import Raw, at, text, time

DAYS = 7
ENDS: Sequence[str] = ("Succeeded", "Failed", "Cancelled")
"""The phases that are outcomes."""


@dataclass(slots=True)
class Day:
    """One day."""

    date: date
    outcomes: Counter[str] = field(default_factory=Counter)
    """How many runs ended, by phase."""
    cost: float = 0.0
    """US dollars: of runs that ended that day, or are unfinished and changed last that day."""


@dataclass(frozen=True, slots=True)
class Week:
    """The last days, oldest first; the last one is today."""

    days: Sequence[Day]

    @property
    def today(self) -> Day:
        """The present day."""
        return self.days[-1]

    @property
    def cost(self) -> float:
        """US dollars of all days."""
        return sum(day.cost for day in self.days)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many runs ended, by phase."""
        return sum((day.outcomes for day in self.days), Counter())


def week(runs: Iterable[Raw], now: datetime) -> Week:
    """Return the last DAYS days."""
    today = now.astimezone(UTC).date()
    days = {day: Day(day) for day in (today - timedelta(days=ago) for ago in reversed(range(DAYS)))}
    for raw in runs:
        finished = time(raw, "status", "finishedAt")
        moment = finished or time(raw, "status", "lastUpdate")
        day = days.get(moment.astimezone(UTC).date()) if moment else None
        if day:
            _count(day, raw, ended=finished is not None)
    return Week(list(days.values()))


def _count(day: Day, raw: Raw, *, ended: bool) -> None:
    phase, cost = text(at(raw, "status", "phase")), at(raw, "status", "usage", "costUsd")
    if ended and phase in ENDS:
        day.outcomes[phase] += 1
    if isinstance(cost, int | float):
        day.cost += cost
