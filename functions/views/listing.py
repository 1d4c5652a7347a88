"""The table of runs, of both kinds: what each is about, how it stands, what it cost; an invalid run has a row too."""

import itertools
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from functions.runs import api_group
from functions.runs.lifecycle import transitions
from functions.runs.model.kinds import RunKind
from functions.views import fleet, formatting, rows
from functions.views.agent_output import short
from functions.views.fleet import Row
from functions.views.rows import Raw, at
from functions.views.table import table
from functions.views.titles import title

Cell = Callable[[Row], str]

SHORT_NAME = 12
"""Least length of a shortened name: `run-` and 8 of its 24 digits."""


LONGEST_REASON = 120
"""Most characters of a reason with its message."""
_ENDED = ("Succeeded", "Failed", "Cancelled")


def _cost(row: Row) -> str:
    return formatting.dollars(row.cost) if row.attempt else ""


def _reason(row: Row) -> str:
    """Return the reason; of a run that waits, also the message, which says what for."""
    normal = ("", transitions.running_message(row.attempt), transitions.starting_message(row.attempt))
    if row.phase in _ENDED or row.message in normal:
        return row.reason
    is_cause = row.reason not in ("", "Starting")
    return short(f"{row.reason}: {row.message}" if is_cause else row.message, LONGEST_REASON)


def _pull_request(row: Row) -> str:
    number = re.search(r"/(?:pull|merge_requests)/(\d+)$", row.pull_request)
    return f"#{number[1]}" if number else row.pull_request


COLUMNS: Sequence[tuple[str, Cell]] = (
    ("TITLE", lambda row: row.title),
    ("PHASE", lambda row: row.phase),
    ("REASON", _reason),
    ("COST", _cost),
    ("DURATION", lambda row: row.took),
    ("PR", _pull_request),
    ("AGE", lambda row: row.age),
)
"""Columns of the table; the name follows as the last one."""

_WHOLE: dict[str, Cell] = {"REASON": lambda row: row.reason, "PR": lambda row: row.pull_request}

WIDE: Sequence[tuple[str, Cell]] = (
    *((name, _WHOLE.get(name, cell)) for name, cell in COLUMNS),
    ("KIND", lambda row: row.kind.word),
    ("REPOSITORY", lambda row: row.repository),
    ("SERVICE", lambda row: row.service),
    ("AGENT", lambda row: row.agent),
    ("ATTEMPT", lambda row: str(row.attempt or "")),
    ("MESSAGE", lambda row: row.message),
)
"""Columns of the wide table, before the whole name: those of the table in their order, then more, as in kubectl."""


def cost(raw: Raw) -> float:
    """Return what the run's ended attempts cost, in US dollars."""
    amount = at(raw, "status", "usage", "costUsd")
    return float(amount) if isinstance(amount, int | float) else 0.0


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Return the shortest prefix of each generated name that no other begins with, such as `run-5f1d7c0a`."""
    ordered = sorted(set(names))
    shortened = {}
    for before, name, after in zip(["", *ordered], ordered, [*ordered[1:], ""], strict=False):
        length = 1 + max(_common(name, before), _common(name, after), SHORT_NAME - 1)
        shortened[name] = name[:length] if re.fullmatch(r"run-[0-9a-f]{24}", name) else name
    return shortened


def _common(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def cells(runs: Sequence[Raw], now: datetime, *, wide: bool = False, namespaces: bool = False) -> list[list[str]]:
    """Return the table's heading and a row for each run, in the given order."""
    columns = [*([("NAMESPACE", _namespace)] if namespaces else []), *(WIDE if wide else COLUMNS)]
    names = short_names([raw["metadata"]["name"] for raw in runs])
    table_rows = [[*(name for name, _ in columns), "NAME"]]
    for row in (fleet.row(raw, None, now) for raw in runs):
        name = row.name if wide or namespaces else names[row.name]
        table_rows.append([*(cell(row) for _, cell in columns), name])
    return table_rows


def _namespace(row: Row) -> str:
    return row.namespace


def text_table(runs: Sequence[Raw], now: datetime, *, wide: bool = False, namespaces: bool = False) -> str:
    """Return the table as text for a pipe; empty without runs."""
    return table(cells(runs, now, wide=wide, namespaces=namespaces)) if runs else ""


def reference(raw: Raw) -> str:
    """Return the name as commands take it, with the kind's word: `code/NAME`."""
    return f"{RunKind(raw['kind']).word}/{raw['metadata']['name']}"


def summary(raw: Raw) -> dict[str, Any]:
    """Return the facts of a run in a list, also of an invalid one."""
    return rows.without_absent(
        {
            "kind": raw["kind"],
            "namespace": raw["metadata"]["namespace"],
            "name": raw["metadata"]["name"],
            "title": title(raw),
            "phase": at(raw, "status", "phase") or "Pending",
            "reason": rows.reason(raw),
            "taskId": at(raw, "spec", "taskId"),
            "taskUrl": at(raw, "spec", "task", "url"),
            "service": at(raw, "spec", "service"),
            "agent": at(raw, "metadata", "labels", api_group.label("agent")),
            "repositoryUrl": at(raw, "spec", "repositoryUrl"),
            "model": at(raw, "spec", "model"),
            "attempt": at(raw, "status", "attempt"),
            "costUsd": at(raw, "status", "usage", "costUsd"),
            "branch": at(raw, "status", "branch"),
            "pullRequestUrl": at(raw, "status", "pullRequestUrl"),
            "createdAt": at(raw, "metadata", "creationTimestamp"),
            "startedAt": at(raw, "status", "startedAt"),
            "finishedAt": at(raw, "status", "finishedAt"),
        }
    )
