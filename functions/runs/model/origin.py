"""The place on GitHub where a run was requested, an annotation of the run for its reports. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from functions.runs import api_group

ORIGIN = api_group.label("github-origin")
"""Annotation: JSON of the fields below."""

ISSUE = api_group.label("github-issue")
"""Label to find the runs of an issue: `<repository id>-<number>`. An id outlives a renaming."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An issue or pull request of a repository."""

    repository: str
    """Owner and name, such as `acme/shop`."""
    number: int
    """The number of the issue or pull request."""
    login: str = ""
    """Login of the person who asked."""
    url: str = ""
    """Page of the comment, review or check run that asked."""
    repository_id: int = 0
    """0: not known."""
    moment: str = ""
    """When it was asked for (github/webhook/decisions.py), as text that sorts; empty: not known."""


def to_annotations(origin: Origin) -> dict[str, str]:
    """Return the annotations of a run created for `origin`."""
    return {ORIGIN: json.dumps(asdict(origin), sort_keys=True)}


def labels(repository_id: int, number: int) -> dict[str, str]:
    """Return the labels by which the runs of an issue or pull request are found."""
    return {ISSUE: f"{repository_id}-{number}"}


def from_object(raw: Mapping[str, Any]) -> Origin | None:
    """Return the origin of a run as stored; None if it has none, or an unreadable one."""
    text = (raw["metadata"].get("annotations") or {}).get(ORIGIN)
    try:
        fields = json.loads(text) if text else None
        return Origin(**fields) if isinstance(fields, dict) and {"repository", "number"} <= fields.keys() else None
    except (ValueError, TypeError):
        return None
