"""All runs of an installation at a glance: filtered, counted and grouped by phase. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from functions.runs.admission.position import Position
from functions.runs.model.kinds import RunKind
from functions.runs.model.reasons import FollowUp, follow_up
from functions.runs.model.status import Phase
from functions.views import formatting, links, rows, titles
from functions.views.rows import Raw, at, text

PHASES: Sequence[str] = ("Running", "Retrying", "Queued", "Pending", "Failed", "Cancelled", "Succeeded")
"""The phases in the order of the groups: active, waiting, ended badly, ended well."""
assert set(PHASES) == set(get_args(Phase))
NEEDS_YOU = "Needs you"
"""Group of the pending runs that wait until a person has fixed something."""
GROUPS = (NEEDS_YOU, *PHASES)


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on runs; an empty one matches all."""

    text: str = ""
    """Words that all have to occur in what the row shows, in upper or lower case."""
    phase: str = ""
    kind: str = ""
    """docs or code."""
    repository: str = ""
    service: str = ""
    agent: str = ""

    def includes(self, row: "Row") -> bool:
        """Return whether the row matches everything but the phase, which the counts leave open."""
        exact = ((self.kind, row.kind.word), (self.repository, row.repository), (self.service, row.service))
        return (
            all(wanted in ("", value) for wanted, value in exact)
            and self.agent in ("", row.agent)
            and all(word in row.searchable for word in self.text.casefold().split())
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One run in a list."""

    kind: RunKind
    namespace: str
    name: str
    title: str
    phase: str
    reason: str
    """Empty if it only repeats the phase."""
    message: str
    repository: str
    service: str
    agent: str
    attempt: int
    cost: float
    age: str
    took: str
    """Duration so far, or of the whole run; empty before the first attempt."""
    pull_request: str
    """A URL that a browser may be led to, or empty."""
    position: Position | None
    waits_for: "Row | None" = None
    """The run whose workspace or directory this one is queued for, if it is among the runs of the fleet."""

    @property
    def group(self) -> str:
        """The group that lists it: its phase, or `NEEDS_YOU`."""
        return NEEDS_YOU if self.phase == "Pending" and follow_up(self.reason) is FollowUp.WAIT_FOR_FIX else self.phase

    @property
    def searchable(self) -> str:
        """The text that a search matches, in lower case."""
        shown = (self.title, self.name, self.repository, self.service, self.agent, self.reason, self.message)
        return " ".join(shown).casefold()


@dataclass(frozen=True, slots=True)
class Group:
    """The runs in one group of `GROUPS`, newest first; `rows` are those of the page."""

    phase: str
    total: int
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Fleet:
    """The runs that match a filter."""

    groups: Sequence[Group]
    counts: Mapping[str, int]
    """Number of runs in each group that match the rest of the filter."""
    unfiltered: Mapping[str, int]
    """The same of all runs."""
    repositories: Sequence[str]
    services: Sequence[str]
    agents: Sequence[str]

    @property
    def total(self) -> int:
        """Number of runs that match everything but the phase."""
        return sum(self.counts.values())


def fleet(
    runs: Iterable[Raw], positions: Mapping[str, Position], wanted: Filter, now: datetime, *, most: int, page: int = 1
) -> Fleet:
    """Return the fleet with at most `most` rows for each phase; `positions` are those of queued runs, by uid.

    `page` counts from 1 and turns the pages of every group.
    """
    every = _linked([row(raw, positions.get(raw["metadata"]["uid"]), now) for raw in rows.newest_first(runs)])
    matching = [row for row in every if wanted.includes(row)]
    groups = [_group(phase, matching, most, page) for phase in GROUPS if wanted.phase in ("", phase)]
    return Fleet(
        groups=[group for group in groups if group.total],
        counts=Counter(row.group for row in matching),
        unfiltered=Counter(row.group for row in every),
        repositories=_known(row.repository for row in every),
        services=_known(row.service for row in every),
        agents=_known(row.agent for row in every),
    )


def row(raw: Raw, position: Position | None, now: datetime) -> Row:
    """Return the row of a stored run, also of an invalid one."""
    phase = text(at(raw, "status", "phase"))
    phase = phase if phase in PHASES else "Pending"
    reason, attempt, cost = rows.reason(raw), at(raw, "status", "attempt"), at(raw, "status", "usage", "costUsd")
    return Row(
        kind=RunKind(raw["kind"]),
        namespace=raw["metadata"]["namespace"],
        name=raw["metadata"]["name"],
        title=titles.title(raw),
        phase=phase,
        reason=reason if reason != phase else "",
        message=text(at(raw, "status", "message")),
        repository=titles.repository(raw),
        service=text(at(raw, "spec", "service")),
        agent=rows.agent(raw),
        attempt=attempt if isinstance(attempt, int) else 0,
        cost=float(cost) if isinstance(cost, int | float) else 0.0,
        age=formatting.age(raw, now, 1),
        took=rows.took(raw, now),
        pull_request=links.external(text(at(raw, "status", "pullRequestUrl"))),
        position=position,
    )


def _linked(every: Sequence[Row]) -> list[Row]:
    """Return the rows, each queued one with the run whose workspace or directory it waits for."""
    by_name = {f"{row.kind} {row.name}": row for row in every}
    return [replace(row, waits_for=by_name.get(row.position.holder or "")) if row.position else row for row in every]


def _group(phase: str, matching: Sequence[Row], most: int, page: int) -> Group:
    listed = [row for row in matching if row.group == phase]
    if phase == "Queued":
        listed.sort(key=lambda row: row.position.place if row.position else len(listed))
    return Group(phase, len(listed), listed[(page - 1) * most : page * most])


def _known(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name})
