"""Inferred values of spec fields."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class InferredValue:
    """An inferred value of a spec field, and its source."""

    value: Any
    source: str
