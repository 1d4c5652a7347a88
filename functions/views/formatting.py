"""Format durations and amounts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def duration(seconds: float, most: int = 2) -> str:
    """Return the `most` largest units of a duration without zeros: of two such as `47s`, `5m30s`, `3h`, `2d4h`."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in _UNITS:
        number, left = divmod(left, size)
        if number or parts:
            parts.append(f"{number}{unit}" if number else "")
        if len(parts) == most:
            break
    return "".join(parts) or "0s"


def age(raw: Mapping[str, Any], now: datetime, most: int = 2) -> str:
    """Return the time since the object was created, in at most so many units."""
    try:
        return duration((now - datetime.fromisoformat(raw["metadata"]["creationTimestamp"])).total_seconds(), most)
    except (KeyError, ValueError, TypeError):
        return "?"


def between(start: datetime | None, end: datetime | None) -> str:
    """Return the duration from start to end; empty if one is missing."""
    return duration((end - start).total_seconds()) if start and end else ""


def dollars(amount: float) -> str:
    """Return an amount of US dollars with cents."""
    return f"${amount:.2f}"
