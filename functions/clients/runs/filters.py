"""Filters of the list of runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from functions.clients.errors import WrongUsage
from functions.clients.runs import lookup
from functions.clients.runs.target import ClusterTarget
from functions.runs.model.kinds import BY_WORD, RunKind
from functions.runs.model.status import Phase
from functions.views import listing, rows
from functions.views.titles import title


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conditions on runs; an empty one matches all runs."""

    kind: RunKind | None = None
    phase: str = ""
    service: str = ""
    labels: str = ""
    """A label selector, as kubectl's; the API server applies it."""
    everywhere: bool = False

    @property
    def narrow(self) -> bool:
        """Whether the filter can exclude runs."""
        return bool(self.kind or self.phase or self.service or self.labels)

    def includes(self, raw: rows.Raw) -> bool:
        """Return whether the run matches."""
        phase = rows.at(raw, "status", "phase") or "Pending"
        return self.phase in ("", phase) and self.service in ("", rows.at(raw, "spec", "service"))


def runs(target: ClusterTarget, wanted: Wanted) -> list[rows.Raw]:
    """Return the matching runs, newest first.

    Raises:
        CommandError: the runs could not be listed.
    """
    candidates = lookup.find_all(target, wanted.kind, labels=wanted.labels, everywhere=wanted.everywhere)
    return rows.newest_first(raw for raw in candidates if wanted.includes(raw))


ORDERS = ("age", "cost", "duration", "phase", "title", "name")


def in_order(found: list[rows.Raw], order: str, now: datetime) -> list[rows.Raw]:
    """Return the runs in one of ORDERS: `age` is newest first as given; cost and duration are most first."""
    match order:
        case "cost":
            return sorted(found, key=listing.cost, reverse=True)
        case "duration":
            return sorted(found, key=lambda raw: rows.seconds(raw, now) or 0, reverse=True)
        case "phase":
            return sorted(found, key=lambda raw: rows.text(rows.at(raw, "status", "phase")))
        case "title":
            return sorted(found, key=title)
        case "name":
            return sorted(found, key=lambda raw: str(raw["metadata"]["name"]))
        case _:
            return found


def kind(text: str) -> RunKind | None:
    """Return the kind of run whose word --kind gives.

    Raises:
        WrongUsage: there is no such kind.
    """
    if not text:
        return None
    if text.lower() not in BY_WORD:
        raise WrongUsage(f"--kind: {text!r} is neither {' nor '.join(BY_WORD)}")
    return BY_WORD[text.lower()]


def phase(text: str) -> str:
    """Return the phase that --phase names, in upper or lower case.

    Raises:
        WrongUsage: there is no such phase.
    """
    if not text:
        return ""
    known: dict[str, str] = {name.lower(): name for name in get_args(Phase)}
    if text.lower() not in known:
        raise WrongUsage(f"--phase: {text!r} is not a phase; use one of {', '.join(known.values())}")
    return known[text.lower()]
