"""The table of runs, of both kinds, from stored objects: what each is about, how it stands, what it cost.

An invalid run has a row too; missing fields and values of a wrong type are blank.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from functions.runs import api_group
from functions.runs.model.kinds import RunKind
from functions.views import formatting
from functions.views.cells import at, text
from functions.views.table import table
from functions.views.titles import repository, title

Raw = Mapping[str, Any]
Cell = Callable[[Raw, datetime], str]

SHORT_NAME = 12
"""Least length of a shortened name: `run-` and 8 of its 24 digits."""


def field(*path: str) -> Cell:
    """Return a cell with the text or number at a path of fields."""

    def cell(raw: Raw, _: datetime) -> str:
        return text(at(raw, *path))

    return cell


def reason(raw: Raw, _now: datetime | None = None) -> str:
    """Return the reason of the condition Succeeded."""
    conditions = at(raw, "status", "conditions")
    decisive = [c for c in conditions if at(c, "type") == "Succeeded"] if isinstance(conditions, list) else []
    return text(at(decisive[0], "reason")) if decisive else ""


def phase(raw: Raw, _now: datetime | None = None) -> str:
    """Return the phase; that of a run that no function has seen is Pending."""
    return text(at(raw, "status", "phase")) or "Pending"


def cost(raw: Raw, _now: datetime | None = None) -> float | None:
    """Return what the run's ended attempts cost, in US dollars; None if it is not known."""
    amount = at(raw, "status", "usage", "costUsd")
    return float(amount) if isinstance(amount, int | float) else None


def seconds(raw: Raw, now: datetime) -> float | None:
    """Return how long the run has worked, in seconds; None before its first attempt."""
    started, finished = (_time(at(raw, "status", name)) for name in ("startedAt", "finishedAt"))
    return ((finished or now) - started).total_seconds() if started else None


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _cost(raw: Raw, _now: datetime) -> str:
    amount = cost(raw)
    return "" if amount is None else formatting.dollars(amount)


def _took(raw: Raw, now: datetime) -> str:
    took = seconds(raw, now)
    return "" if took is None else formatting.duration(took)


def _pull_request(raw: Raw, _now: datetime) -> str:
    url = text(at(raw, "status", "pullRequestUrl"))
    number = re.search(r"/(?:pull|merge_requests)/(\d+)$", url)
    return f"#{number[1]}" if number else url


def _title(raw: Raw, _now: datetime) -> str:
    return title(raw)


def _reason(raw: Raw, _now: datetime) -> str:
    found = reason(raw)
    return "" if found == phase(raw) else found


def _repository(raw: Raw, _now: datetime) -> str:
    return repository(raw)


COLUMNS: Sequence[tuple[str, Cell]] = (
    ("TITLE", _title),
    ("PHASE", phase),
    ("REASON", _reason),
    ("COST", _cost),
    ("DURATION", _took),
    ("PR", _pull_request),
    ("AGE", formatting.age),
)
"""Columns of the table; the name follows as the last one."""

WIDE: Sequence[tuple[str, Cell]] = (
    *COLUMNS,
    ("KIND", field("kind")),
    ("REPOSITORY", _repository),
    ("AGENT", field("metadata", "labels", api_group.label("agent"))),
    ("MODEL", field("spec", "model")),
    ("ATTEMPT", field("status", "attempt")),
    ("BRANCH", field("status", "branch")),
)
"""Columns of the wide table."""


def newest_first(runs: Iterable[Raw]) -> list[Raw]:
    """Return the runs by creation time, then name, newest first; those without a time come last."""
    return sorted(
        runs, key=lambda raw: (text(at(raw, "metadata", "creationTimestamp")), raw["metadata"]["name"]), reverse=True
    )


def short_names(runs: Sequence[Raw]) -> dict[str, str]:
    """Return the shortest prefix of each name that none of the others begins with, such as `run-5f1d7c0a`."""
    names = sorted({raw["metadata"]["name"] for raw in runs})
    found = {}
    for before, name, after in zip(["", *names], names, [*names[1:], ""], strict=False):
        length = 1 + max(_common(name, before), _common(name, after), SHORT_NAME - 1)
        found[name] = name[:length] if re.fullmatch(r"run-[0-9a-f]{24}", name) else name
    return found


def _common(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def table_cells(runs: Sequence[Raw], now: datetime, *, wide: bool = False, namespaces: bool = False) -> list[list[str]]:
    """Return the table's heading and a row for each run, in the given order; `wide` has full names and URLs."""
    columns = [*([("NAMESPACE", field("metadata", "namespace"))] if namespaces else []), *(WIDE if wide else COLUMNS)]
    if wide:
        columns = [(name, field("status", "pullRequestUrl") if name == "PR" else cell) for name, cell in columns]
    names = short_names(runs)
    rows = [[name for name, _ in columns] + ["NAME"]]
    for raw in runs:
        name = raw["metadata"]["name"]
        rows.append([cell(raw, now) for _, cell in columns] + [name if wide or namespaces else names[name]])
    return rows


def text_table(runs: Sequence[Raw], now: datetime, *, wide: bool = False, namespaces: bool = False) -> str:
    """Return the table as text for a pipe; empty without runs."""
    return table(table_cells(runs, now, wide=wide, namespaces=namespaces)) if runs else ""


def reference(raw: Raw) -> str:
    """Return the name as commands take it, with the kind's word: `code/NAME`."""
    return f"{RunKind(raw['kind']).word}/{raw['metadata']['name']}"


def summary(raw: Raw) -> dict[str, Any]:
    """Return the facts of a run in a list, also of an invalid one."""
    return without_absent(
        {
            "kind": raw["kind"],
            "namespace": raw["metadata"]["namespace"],
            "name": raw["metadata"]["name"],
            "title": title(raw),
            "phase": phase(raw),
            "reason": reason(raw),
            "taskId": at(raw, "spec", "taskId"),
            "service": at(raw, "spec", "service"),
            "agent": at(raw, "metadata", "labels", api_group.label("agent")),
            "repositoryUrl": at(raw, "spec", "repositoryUrl"),
            "model": at(raw, "spec", "model"),
            "attempt": at(raw, "status", "attempt"),
            "costUsd": cost(raw),
            "branch": at(raw, "status", "branch"),
            "pullRequestUrl": at(raw, "status", "pullRequestUrl"),
            "createdAt": at(raw, "metadata", "creationTimestamp"),
            "startedAt": at(raw, "status", "startedAt"),
            "finishedAt": at(raw, "status", "finishedAt"),
        }
    )


def without_absent(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts without absent or empty ones."""
    return {name: value for name, value in facts.items() if value not in (None, "", [])}
