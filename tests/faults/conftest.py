"""How much is tried, and how much was: the counts are printed at the end, with the seed that repeats them."""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.parallel import CheckPool

SCALE = float(os.environ.get("SCALE", "0.1"))
"""Part of the schedules that are tried; 1 is all of them."""
SEED = os.environ.get("FAULT_SEED", "1")
"""Of everything random."""
PATIENCE = 900
"""Seconds for the plays of one stage."""


@pytest.fixture(scope="session")
def pool() -> Iterator[CheckPool]:
    """All processors."""
    found = CheckPool()
    yield found
    found.close()


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Iterator[Counter[str]]:
    """How many of each kind of fault the test tried; the sum of all tests is printed at the end."""
    counts: Counter[str] = Counter()
    yield counts
    for what, count in counts.items():
        record_property(f"tried {what}", count)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A play waits for its turn on a processor, which may take its time where others work on the machine too."""
    for item in items:
        if "pool" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(PATIENCE))
