"""Values of stored objects as text; fields that are missing or of a wrong type are blank."""

from collections.abc import Mapping
from typing import Any

from functions.views.agent_output import clean


def at(raw: Any, *path: str) -> Any:
    """Return the value at a path of fields; None if it is missing."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return raw


def text(value: Any) -> str:
    """Return a value as one line without control characters; empty if it is neither text nor number."""
    return clean(" ".join(str(value).split())) if isinstance(value, str | int | float) else ""
