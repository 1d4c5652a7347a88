"""Filters of the list of runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from functions.clients.errors import WrongUsage
from functions.clients.runs import lookup
from functions.clients.runs.lookup import Work
from functions.clients.runs.target import ClusterTarget
from functions.runs.model.status import Phase
from functions.views import cells, rows
from functions.views.titles import title


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conditions on runs; an empty one matches all runs."""

    work: Work | None = None
    phase: str = ""
    service: str = ""
    labels: str = ""
    """A label selector, as kubectl's; the API server applies it."""
    everywhere: bool = False

    @property
    def narrow(self) -> bool:
        """Whether the filter can exclude runs."""
        return bool(self.work or self.phase or self.service or self.labels)

    def includes(self, raw: rows.Raw) -> bool:
        """Return whether the run matches."""
        return self.phase in ("", rows.phase(raw)) and self.service in ("", cells.at(raw, "spec", "service"))


def runs(target: ClusterTarget, wanted: Wanted) -> list[rows.Raw]:
    """Return the matching runs, newest first.

    Raises:
        CommandError: the runs could not be listed.
    """
    candidates = lookup.find_all(target, wanted.work, labels=wanted.labels, everywhere=wanted.everywhere)
    return rows.newest_first(raw for raw in candidates if wanted.includes(raw))


def in_order(found: list[rows.Raw], order: str, now: datetime) -> list[rows.Raw]:
    """Return the runs in the order that --sort-by names: `age` is newest first; cost and duration, most first."""
    match order:
        case "cost":
            return sorted(found, key=lambda raw: rows.cost(raw) or 0, reverse=True)
        case "duration":
            return sorted(found, key=lambda raw: rows.seconds(raw, now) or 0, reverse=True)
        case "phase":
            return sorted(found, key=rows.phase)
        case "title":
            return sorted(found, key=title)
        case "name":
            return sorted(found, key=lambda raw: str(raw["metadata"]["name"]))
        case _:
            return found


ORDERS = ("age", "cost", "duration", "phase", "title", "name")


def work(text: str) -> Work | None:
    """Return the kind of work that --kind names.

    Raises:
        WrongUsage: it is neither docs nor code.
    """
    match text.lower():
        case "":
            return None
        case "docs" | "code" as known:
            return known
    raise WrongUsage(f"--kind: {text!r} is neither docs nor code")


def phase(text: str) -> str:
    """Return the phase that --phase names, in upper or lower case.

    Raises:
        WrongUsage: there is no such phase.
    """
    if not text:
        return ""
    known: dict[str, str] = {name.lower(): name for name in get_args(Phase)}
    if text.lower() not in known:
        raise WrongUsage(f"--phase: {text!r} is none of {', '.join(known.values())}")
    return known[text.lower()]
