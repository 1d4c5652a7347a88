"""Which runs a list is of."""

from dataclasses import dataclass
from typing import get_args

from functions.clients.errors import WrongUsage
from functions.clients.runs import lookup
from functions.clients.runs.lookup import Work
from functions.clients.runs.target import ClusterTarget
from functions.runs.model.status import Phase
from functions.views import rows


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the runs of a list have in common; empty or None: it does not matter."""

    work: Work | None = None
    phase: str = ""
    service: str = ""
    everywhere: bool = False

    @property
    def narrow(self) -> bool:
        """Whether it leaves any out."""
        return bool(self.work or self.phase or self.service)

    def includes(self, raw: rows.Raw) -> bool:
        """Whether the run is one of them."""
        phase = rows.at(raw, "status", "phase") or "Pending"
        return self.phase in ("", phase) and self.service in ("", rows.at(raw, "spec", "service"))


def runs(place: ClusterTarget, wanted: Wanted) -> list[rows.Raw]:
    """The runs, newest first. Raises CommandError."""
    found = lookup.find_all(place, wanted.work, everywhere=wanted.everywhere)
    return rows.newest_first(raw for raw in found if wanted.includes(raw))


def work(text: str) -> Work | None:
    """The kind of work that --kind names. Raises WrongUsage."""
    match text.lower():
        case "":
            return None
        case "docs" | "code" as known:
            return known
    raise WrongUsage(f"--kind: {text!r} is neither docs nor code")


def phase(text: str) -> str:
    """The phase that --phase names, in any case. Raises WrongUsage."""
    if not text:
        return ""
    known: dict[str, str] = {each.lower(): each for each in get_args(Phase)}
    if text.lower() not in known:
        raise WrongUsage(f"--phase: {text!r} is none of {', '.join(known.values())}")
    return known[text.lower()]
