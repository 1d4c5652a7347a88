"""What is asked for without anybody having said it."""

from typing import Any

from functions.record import record


@record
class Value:
    """A field of a spec that nobody gave, and where it was found."""

    value: Any
    source: str
