"""Runs as rows: the columns that `kubectl get` shows, from the objects as they are stored.

A run that nobody can read has its row like any other; what is not there, or not of the kind it should be, is blank.
A test holds these columns to those of `crds/`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from functions.runs import api_group
from functions.runs.model.kinds import RunKind
from functions.views import formatting
from functions.views.agent_output import clean
from functions.views.table import table

Raw = Mapping[str, Any]
Cell = Callable[[Raw, datetime], str]


def field(*path: str) -> Cell:
    """The text or number at a path of fields."""

    def cell(raw: Raw, _: datetime) -> str:
        return text(at(raw, *path))

    return cell


def at(raw: Any, *path: str) -> Any:
    """What is at a path of fields; None where it is not there."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return raw


def text(value: Any) -> str:
    """A value in a cell: one line without control characters; empty for what is no text and no number."""
    return clean(" ".join(str(value).split())) if isinstance(value, str | int | float) else ""


def reason(raw: Raw, _now: datetime | None = None) -> str:
    """Reason of the decisive condition."""
    conditions = at(raw, "status", "conditions")
    found = [c for c in conditions if at(c, "type") == "Succeeded"] if isinstance(conditions, list) else []
    return text(at(found[0], "reason")) if found else ""


_TAIL: list[tuple[str, Cell]] = [("PR", field("status", "pullRequestUrl")), ("AGE", formatting.age)]
COLUMNS: dict[str, list[tuple[str, Cell]]] = {
    RunKind.DOCS: [
        ("NAME", field("metadata", "name")),
        ("REPOSITORY", field("spec", "repositoryUrl")),
        ("MODEL", field("spec", "model")),
        ("PHASE", field("status", "phase")),
        ("REASON", reason),
        *_TAIL,
    ],
    RunKind.CODE: [
        ("NAME", field("metadata", "name")),
        ("TASK", field("spec", "taskId")),
        ("SERVICE", field("spec", "service")),
        ("AGENT", field("metadata", "labels", api_group.label("agent"))),
        ("PHASE", field("status", "phase")),
        ("ATTEMPT", field("status", "attempt")),
        *_TAIL,
    ],
}
"""Columns of each kind, as `crds/` names them."""


def newest_first(found: Iterable[Raw]) -> list[Raw]:
    """By creation, then name; what has no time of creation comes last."""
    return sorted(
        found, key=lambda raw: (text(at(raw, "metadata", "creationTimestamp")), raw["metadata"]["name"]), reverse=True
    )


def tables(found: Sequence[Raw], now: datetime, *, namespaces: bool = False) -> str:
    """A table for each kind that is there, in the order the runs come in; with their namespaces where asked for."""
    blocks = []
    for kind, columns in COLUMNS.items():
        mine = [raw for raw in found if raw["kind"] == kind]
        if mine:
            first = [("NAMESPACE", field("metadata", "namespace"))] if namespaces else []
            shown = [*first, *columns]
            rows = [[name for name, _ in shown], *([cell(raw, now) for _, cell in shown] for raw in mine)]
            blocks.append(table(rows))
    return "\n\n".join(blocks)


def summary(raw: Raw) -> dict[str, Any]:
    """A run in a list: also of one that nobody can read."""
    return without_absent(
        {
            "kind": raw["kind"],
            "namespace": raw["metadata"]["namespace"],
            "name": raw["metadata"]["name"],
            "phase": at(raw, "status", "phase") or "Pending",
            "reason": reason(raw),
            "taskId": at(raw, "spec", "taskId"),
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


def without_absent(found: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that there are."""
    return {name: value for name, value in found.items() if value not in (None, "", [])}
