"""Where on GitHub a run was asked for: kept as an annotation of the run, for whoever reports on it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from functions.runs import api_group

ORIGIN = api_group.label("github-origin")
"""Annotation: JSON of the fields below."""

ISSUE = api_group.label("github-issue")
"""Label: `<repository id>-<number>`, for whoever looks for the runs of an issue. An id outlives a renaming."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An issue or pull request of a repository."""

    repository: str
    """As in `acme/shop`."""
    number: int
    """Of the issue or pull request."""
    login: str = ""
    """Who asked."""
    url: str = ""
    """The page of what asked: the comment, review or check run."""
    repository_id: int = 0
    """0: not known."""
    moment: str = ""
    """When it was asked for (github/webhook/decisions.py), as text that sorts; empty: not known."""


def to_annotations(origin: Origin) -> dict[str, str]:
    """What a run made for `origin` carries."""
    return {ORIGIN: json.dumps(asdict(origin), sort_keys=True)}


def labels(repository_id: int, number: int) -> dict[str, str]:
    """What the runs asked for on an issue or pull request are found by."""
    return {ISSUE: f"{repository_id}-{number}"}


def from_object(raw: Mapping[str, Any]) -> Origin | None:
    """The origin of the run in an object of the API; None where it has none, or one that nobody can read."""
    text = (raw["metadata"].get("annotations") or {}).get(ORIGIN)
    try:
        found = json.loads(text) if text else None
        return Origin(**found) if isinstance(found, dict) and {"repository", "number"} <= found.keys() else None
    except (ValueError, TypeError):
        return None
