"""The tasks of a Task Master file by tag, as far as choosing one needs them."""

from collections.abc import Mapping, Sequence
from typing import Any

DONE = frozenset({"done", "completed", "cancelled"})
PENDING = frozenset({"pending", "in-progress"})
"""Status values of Task Master (task-master-ai: task status)."""


def tags(document: Any) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the tasks by tag; a file without tags (`{"tasks": [...]}`) has them under an empty name."""
    if not isinstance(document, dict):
        return {}
    if isinstance(document.get("tasks"), list):
        return {"": _tasks(document["tasks"])}
    lists = {name: tag.get("tasks") for name, tag in document.items() if isinstance(tag, dict)}
    return {name: _tasks(found) for name, found in lists.items() if isinstance(found, list)}


def _tasks(entries: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
    return [entry for entry in entries if isinstance(entry, dict) and _is_id(entry.get("id"))]


def _is_id(value: Any) -> bool:
    return (isinstance(value, int) and value >= 1) or (isinstance(value, str) and bool(value))
