"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(
    condition: Callable[[], Found | None],
    seconds: float = 60,
    otherwise: str | Callable[[], object] = "the condition did not become true in time",
    every: float = 0.02,
) -> Found:
    """Return the first true result of the condition, which is evaluated every so many seconds.

    Raise AssertionError after `seconds`, with `otherwise` or its result at that time.
    """
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, otherwise() if callable(otherwise) else otherwise
        time.sleep(every)
    return found
