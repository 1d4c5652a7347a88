"""Which runs may have a live attempt: pure, from the ledger and the runs as they are to the ledger that follows.

What a run takes while it works is a list of *holds*, each of limited capacity: one of all runs, one of its service's
and its agent's, and, alone, its workspace (a code run) or its repository, branch and directory (a docs run). The
ledger names who holds what, and is written with the version it was read at: two who race for the last place
cannot both get it. An entry is given to one version of a run, before the attempt is recorded in it, and stands until
that attempt has ended: whoever admitted a run may die at once, and anybody else may start it; and where the run has
moved on without starting, nobody can start it at the old version any more, so that the entry is free to go.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from functions.runs import lifecycle, naming
from functions.runs.lifecycle import State
from functions.runs.reasons import Reason, Then, then
from functions.runs.run import Run
from functions.runs.specs import CodeRunSpec

MOST = 2000
"""Most entries of a ledger: some 300 bytes each, in an object of at most 1 MiB."""

ALL = "runs"


@dataclass(frozen=True)
class Limits:
    """How many runs may work at once; None: as many as there are."""

    runs: int | None = None
    per_service: int | None = None
    per_agent: int | None = None
    exclusive: bool = False
    """Whether runs that would work in the same place wait for each other."""

    @property
    def on(self) -> bool:
        """Whether there is any, so that a ledger is kept."""
        return self != NO_LIMITS

    def capacity(self, hold: str) -> int:
        """How many runs may have this hold."""
        return min(MOST, MOST if (most := self._configured(hold.partition("/")[0])) is None else most)

    def _configured(self, scope: str) -> int | None:
        match scope:
            case "runs":
                return self.runs
            case "service":
                return self.per_service
            case "agent" | "user":
                return self.per_agent
            case _:
                return 1 if self.exclusive else None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Entry:
    """The holds of one run: of the version of it that was let in, and of the attempt that it then starts."""

    kind: str
    name: str
    version: str
    holds: Sequence[str]


class Held:
    """What some entries hold, counted once for many questions."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, Entry] = {}
        for each in entries:
            self.add(each)

    def add(self, entry: Entry) -> None:
        """One more."""
        self._counts.update(entry.holds)
        for hold in entry.holds:
            self._first.setdefault(hold, entry)

    def obstacle(self, holds: Iterable[str], limits: Limits) -> str | None:
        """What has no room for these holds, in words; None where all have."""
        full = next((hold for hold in holds if self._counts[hold] >= limits.capacity(hold)), None)
        return self._words(full, limits) if full else None

    def _words(self, hold: str, limits: Limits) -> str:
        scope, _, name = hold.partition("/")
        most = limits.capacity(hold)
        match scope:
            case "runs":
                return "paused by the setting limits.runs: 0" if most == 0 else f"{most} runs work (limits.runs)"
            case "service":
                return f"{most} runs work for service {name} (limits.per_service)"
            case "agent" | "user":
                return f"{most} runs work as {scope} {name} (limits.per_agent)"
            case _:
                holder = self._first[hold]
                return f"{holder.kind} {holder.name} works in {scope} {name}"


@dataclass(frozen=True)
class Ledger:
    """Who holds what, by the run's uid.

    `waiting` is the uid of a run that found no place. Until a pass finds none waiting, nobody takes a place without a
    look at who was there before.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    waiting: str = ""

    def admits(self, run: Run) -> bool:
        """Whether the run, as it is, may start its next attempt."""
        entry = self.entries.get(run.uid)
        return entry is not None and entry.version == run.resource_version

    def obstacle(self, uid: str, holds: Iterable[str], limits: Limits) -> str | None:
        """What has no room for these holds of the run, in words; None where all have. It is not in its own way."""
        return Held(entry for other, entry in self.entries.items() if other != uid).obstacle(holds, limits)

    def having(self, uid: str, entry: Entry) -> "Ledger":
        """The ledger with this entry for the run."""
        return Ledger({**self.entries, uid: entry}, self.waiting)


def holds(run: Run) -> tuple[str, ...]:
    """What the run takes while it works."""
    spec = run.spec
    if spec is None:
        return (ALL,)
    who = f"agent/{spec.agent}" if spec.agent else f"user/{spec.github_user}"
    if isinstance(spec, CodeRunSpec):
        return (ALL, who, f"service/{spec.service}", f"workspace/{naming.workspace(spec)}")
    repository = spec.repository_url.rstrip("/").removesuffix(".git")
    return (ALL, who, f"directory/{spec.working_directory} of {repository} at {spec.base_branch}")


def entry(run: Run) -> Entry:
    """The entry of the run as it is."""
    return Entry(run.kind, run.name, run.resource_version, holds(run))


@dataclass(frozen=True)
class Candidate:
    """A run that could start now; small, since a sweep keeps all there are."""

    order: tuple[int, datetime, str]
    namespace: str
    shown: bool
    """Whether its status says already that it waits."""
    entry: Entry

    @property
    def uid(self) -> str:
        """The run's."""
        return self.order[-1]

    @property
    def key(self) -> str:
        """`namespace/name`, as logs name it."""
        return f"{self.namespace}/{self.entry.name}"


def candidate(run: Run) -> Candidate:
    """The run as one of those that could start."""
    priority = run.spec.priority if run.spec else 0
    queued = run.status.succeeded is not None and run.status.succeeded.reason == Reason.QUEUED
    return Candidate((-priority, run.created, run.uid), run.namespace, queued, entry(run))


def wants_a_place(run: Run, now: datetime) -> bool:
    """Whether a place is all that the run lacks.

    What waits for people asks for a place by itself, once it was seen that the matter is mended.
    """
    if lifecycle.state(run.status) is not State.WAITING or run.cancel or run.deleting or run.spec is None:
        return False
    shown, at = run.status.succeeded, run.status.next_attempt_at
    return (at is None or at <= now) and not (shown and then(shown.reason) is Then.MEND)


@dataclass(frozen=True)
class Admission:
    """What a pass came to: the ledger to write, who got a place in it, and what each of the others waits for."""

    ledger: Ledger
    admitted: Sequence[Candidate]
    waiting: Sequence[tuple[Candidate, str]]


class Pass:
    """One look at every unfinished run, each read after the ledger was."""

    def __init__(self, ledger: Ledger, limits: Limits, now: datetime) -> None:
        self._limits, self._now = limits, now
        self._kept: dict[str, Entry] = {}
        self._candidates: dict[str, Candidate] = {}
        self._unseen = dict(ledger.entries)

    @property
    def unseen(self) -> Mapping[str, Entry]:
        """The entries of runs that were not seen: they are finished, or deleted."""
        return self._unseen

    def see(self, run: Run) -> bool:
        """Takes the run into account; whether a place is all it lacks."""
        held = self._unseen.pop(run.uid, None)
        if run.status.open_attempt:  # without an entry: the ledger was lost, or limits are new
            self._kept[run.uid] = held or entry(run)
            return False
        if held and held.version == run.resource_version:
            self._kept[run.uid] = held
        wants = wants_a_place(run, self._now)
        if wants:
            self._candidates[run.uid] = candidate(run)
        return wants

    def keep(self, uid: str) -> None:
        """Leaves the entry of an unseen run where it is: its pods are not gone."""
        self._kept[uid] = self._unseen[uid]

    def admit(self) -> Admission:
        """Gives each candidate, in their order, what it holds, where that is free; none holds up those after it."""
        entries, held = dict(self._kept), Held(self._kept.values())
        admitted: list[Candidate] = []
        waiting: list[tuple[Candidate, str]] = []
        for each in sorted(self._candidates.values(), key=lambda each: each.order):
            obstacle = None if each.uid in self._kept else held.obstacle(each.entry.holds, self._limits)
            if obstacle:
                waiting.append((each, obstacle))
                continue
            admitted.append(each)
            if each.uid not in entries:
                entries[each.uid] = each.entry
                held.add(each.entry)
        return Admission(Ledger(entries, waiting[0][0].uid if waiting else ""), admitted, waiting)

    def admit_only(self, run: Run) -> tuple[Ledger, str | None]:
        """The ledger after the run alone was given what is left to it, or what it waits for.

        The others who would get a place are not given one: nobody here would start them. Those of them who were never
        told to wait ask for themselves; the ledger does not say that they wait, or each of many who come at once
        would have to look at all the others.
        """
        self._candidates[run.uid] = candidate(run)
        whole = self.admit()
        obstacle = next((why for each, why in whole.waiting if each.uid == run.uid), None)
        mine = {} if obstacle else {run.uid: whole.ledger.entries[run.uid]}
        told = (each.uid for each in whole.admitted if each.shown and each.uid not in {**self._kept, **mine})
        left = next(chain((each.uid for each, _ in whole.waiting), told), "")
        return Ledger({**self._kept, **mine}, left), obstacle
