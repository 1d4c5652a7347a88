"""What is asked for without anybody having said it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class InferredValue:
    """A field of a spec that nobody gave, and where it was found."""

    value: Any
    source: str
