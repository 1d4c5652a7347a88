"""What a run takes while it works: *holds*, each of limited capacity.

One of all runs, one of its service's and its agent's, and, alone, its workspace (a code run) or its repository,
branch and directory (a docs run).
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from functions.runs.model import naming
from functions.runs.model.limits import ALL, Limits
from functions.runs.model.run import Run
from functions.runs.model.specs import AnySpec, CodeRunSpec, DocsRunSpec


@dataclass(frozen=True, slots=True)
class Reservation:
    """The holds of one run: of the version of it that was let in, and of the attempt that it then starts."""

    kind: str
    name: str
    version: str
    keys: Sequence[str]


def reservation(run: Run) -> Reservation:
    """The entry of the run as it is."""
    return Reservation(run.kind, run.name, run.resource_version, capacity_keys(run))


def capacity_keys(run: Run) -> tuple[str, ...]:
    """What the run takes while it works."""
    spec = run.spec
    if spec is None:
        return (ALL,)
    who = f"agent/{spec.agent}" if spec.agent else f"user/{naming.user(spec)}"
    return (ALL, who, *_own_keys(spec))


def _own_keys(spec: AnySpec) -> tuple[str, ...]:
    match spec:
        case DocsRunSpec():
            directory, repository = posixpath.normpath(spec.working_directory), _repository(spec.repository_url)
            return (f"directory/{directory} of {repository} at {spec.source_branch}",)
        case CodeRunSpec():
            return (f"service/{spec.service}", f"workspace/{naming.workspace(spec)}")
        case _:
            assert_never(spec)


_URL = re.compile(r"(?:(?:https|ssh)://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+(?=/))?[/:](?P<path>.*)")


def _repository(url: str) -> str:
    """`host/path`, the same for every way to write the URL of a repository: https, ssh or `git@host:path`."""
    found = _URL.fullmatch(url)
    host, path = (found["host"], found["path"]) if found else ("", url)
    return f"{host}/{path.strip('/').removesuffix('.git')}".lower()


class Usage:
    """What some entries hold, counted once for many questions."""

    def __init__(self, entries: Iterable[Reservation]) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, Reservation] = {}
        for each in entries:
            self.add(each)

    def add(self, entry: Reservation) -> None:
        """One more."""
        self._counts.update(entry.keys)
        for hold in entry.keys:
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
