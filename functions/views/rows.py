"""Tables of runs with the columns of `kubectl get`, from stored objects.

An invalid run has a row too; missing fields and values of a wrong type are blank. A test compares the columns with
those of `crds/`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from functions.runs import api_group
from functions.runs.model.kinds import REASON, Column, RunKind
from functions.views import formatting
from functions.views.agent_output import clean
from functions.views.table import table

Raw = Mapping[str, Any]
Cell = Callable[[Raw, datetime], str]


def field(*path: str) -> Cell:
    """Return a cell with the text or number at a path of fields."""

    def cell(raw: Raw, _: datetime) -> str:
        return text(at(raw, *path))

    return cell


def at(raw: Any, *path: str) -> Any:
    """Return the value at a path of fields; None if it is missing."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return raw


def text(value: Any) -> str:
    """Return a value as one line without control characters; empty if it is neither text nor number."""
    return clean(" ".join(str(value).split())) if isinstance(value, str | int | float) else ""


def reason(raw: Raw, _now: datetime | None = None) -> str:
    """Return the reason of the condition Succeeded."""
    conditions = at(raw, "status", "conditions")
    decisive = [c for c in conditions if at(c, "type") == "Succeeded"] if isinstance(conditions, list) else []
    return text(at(decisive[0], "reason")) if decisive else ""


def time(raw: Raw, *path: str) -> datetime | None:
    """Return the time at a path of fields; None if it is missing, malformed or has no time zone."""
    value = at(raw, *path)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def agent(raw: Raw) -> str:
    """Return the agent of a run: that of its attempt, else that of its labels, else the githubUser."""
    found = at(raw, "status", "agent") or at(raw, "metadata", "labels", api_group.label("agent"))
    return text(found or at(raw, "spec", "githubUser"))


def _cell(column: Column) -> Cell:
    """Return the cell of a printer column, whose path is one of fields but for the reason's."""
    if column is REASON:
        return reason
    return formatting.age if column.type == "date" else field(*column.path.split(".")[1:])


COLUMNS: Mapping[str, Sequence[tuple[str, Cell]]] = {
    kind: [
        ("NAME", field("metadata", "name")),
        *((column.name.upper(), _cell(column)) for column in kind.columns if not column.wide),
    ]
    for kind in RunKind
}
"""Columns of each kind, as `crds/` names them."""


def newest_first(runs: Iterable[Raw]) -> list[Raw]:
    """Return the runs by creation time, then name, newest first; those without a time come last."""
    return sorted(
        runs, key=lambda raw: (text(at(raw, "metadata", "creationTimestamp")), raw["metadata"]["name"]), reverse=True
    )


def tables(runs: Sequence[Raw], now: datetime, *, namespaces: bool = False) -> str:
    """Return a table for each kind among the runs, in the given order; with `namespaces` as first column."""
    blocks = []
    for kind, columns in COLUMNS.items():
        selected = [raw for raw in runs if raw["kind"] == kind]
        if selected:
            prefix = [("NAMESPACE", field("metadata", "namespace"))] if namespaces else []
            shown = [*prefix, *columns]
            rows = [[name for name, _ in shown], *([cell(raw, now) for _, cell in shown] for raw in selected)]
            blocks.append(table(rows))
    return "\n\n".join(blocks)


def summary(raw: Raw) -> dict[str, Any]:
    """Return the facts of a run in a list, also of an invalid one."""
    return without_absent(
        {
            "kind": raw["kind"],
            "namespace": raw["metadata"]["namespace"],
            "name": raw["metadata"]["name"],
            "phase": at(raw, "status", "phase") or "Pending",
            "reason": reason(raw),
            "taskId": at(raw, "spec", "taskId"),
            "task": at(raw, "spec", "task", "title"),
            "taskUrl": at(raw, "spec", "task", "url"),
            "service": at(raw, "spec", "service"),
            "agent": at(raw, "metadata", "labels", api_group.label("agent")),
            "repositoryUrl": at(raw, "spec", "repositoryUrl"),
            "model": at(raw, "spec", "model"),
            "attempt": at(raw, "status", "attempt"),
            "branch": at(raw, "status", "branch"),
            "pullRequestUrl": at(raw, "status", "pullRequestUrl"),
            "createdAt": at(raw, "metadata", "creationTimestamp"),
            "finishedAt": at(raw, "status", "finishedAt"),
        }
    )


def without_absent(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts without absent or empty ones."""
    return {name: value for name, value in facts.items() if value not in (None, "", [])}
