"""Values of stored runs, as text and times; missing fields and values of a wrong type are blank."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from functions.runs import api_group
from functions.runs.model.status import time_worked
from functions.views import formatting
from functions.views.agent_output import clean

Raw = Mapping[str, Any]


def at(raw: Any, *path: str) -> Any:
    """Return the value at a path of fields; None if it is missing."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return raw


def text(value: Any) -> str:
    """Return a value as one line without control characters; empty if it is neither text nor number."""
    return clean(" ".join(str(value).split())) if isinstance(value, str | int | float) else ""


def reason(raw: Raw) -> str:
    """Return the reason of the condition Succeeded."""
    return text(at(_succeeded(raw), "reason"))


def _succeeded(raw: Raw) -> Any:
    """Return the condition Succeeded; None if there is none."""
    conditions = at(raw, "status", "conditions")
    listed = conditions if isinstance(conditions, list) else ()
    return next((condition for condition in listed if at(condition, "type") == "Succeeded"), None)


def phase(raw: Raw) -> str:
    """Return the phase; Pending before any function has seen the run."""
    return text(at(raw, "status", "phase")) or "Pending"


def is_finished(raw: Raw) -> bool:
    """Return whether the run has ended, by its label or its condition Succeeded."""
    if api_group.FINISHED in (raw["metadata"].get("labels") or {}):
        return True
    truth = text(at(_succeeded(raw), "status"))
    return truth not in ("", "Unknown")


def time(raw: Raw, *path: str) -> datetime | None:
    """Return the time at a path of fields; None if it is missing, malformed or has no time zone."""
    value = at(raw, *path)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def seconds(raw: Raw, now: datetime) -> float | None:
    """Return the time of the attempts that the status keeps together, in seconds; None before the first."""
    attempts = at(raw, "status", "attempts")
    kept = attempts if isinstance(attempts, list) else ()
    worked = time_worked(((time(attempt, "startedAt"), time(attempt, "finishedAt")) for attempt in kept), now)
    return worked.total_seconds() if worked is not None else None


def took(raw: Raw, now: datetime) -> str:
    """Return `seconds` as text; empty before the first attempt."""
    worked = seconds(raw, now)
    return formatting.duration(worked) if worked is not None else ""


def agent(raw: Raw) -> str:
    """Return the agent of a run: that of its attempt, else that of its labels, else the githubUser."""
    name = at(raw, "status", "agent") or at(raw, "metadata", "labels", api_group.label("agent"))
    return text(name or at(raw, "spec", "githubUser"))


def newest_first(runs: Iterable[Raw]) -> list[Raw]:
    """Return the runs by creation time, then name, newest first; those without a time come last."""
    return sorted(
        runs, key=lambda raw: (text(at(raw, "metadata", "creationTimestamp")), raw["metadata"]["name"]), reverse=True
    )


def without_absent(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts without absent or empty ones."""
    return {name: value for name, value in facts.items() if value not in (None, "", [])}
