"""Scale and seed of the schedules; their counts are printed at the end with the seed that repeats them."""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.parallel import Check, CheckPool
from tests.faults.starting_states import ALL_STARTING_STATES

SCALE = float(os.environ.get("SCALE", "0.1"))
"""Part of the schedules that run; 1 is all of them."""
SEED = os.environ.get("FAULT_SEED", "1")
"""Seed of every random choice."""
RunOnState = Callable[[Check, str], None]
PATIENCE = 900
"""Seconds for the schedules of one starting state."""


@pytest.fixture(scope="session")
def pool() -> Iterator[CheckPool]:
    """Return the pool of processes that run the schedules."""
    found = CheckPool()
    yield found
    found.close()


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Iterator[Counter[str]]:
    """Count the schedules of each kind that the test ran; the sums of all tests are printed at the end."""
    counts: Counter[str] = Counter()
    yield counts
    for name, count in counts.items():
        record_property(f"tried {name}", count)


@pytest.fixture(params=ALL_STARTING_STATES, ids=lambda state: f"{state[0]}-{state[1].__name__}")
def run_on_state(request: pytest.FixtureRequest, pool: CheckPool, tally: Counter[str]) -> RunOnState:
    """Return a function that runs a check on one starting state, and counts its schedules under a name."""

    def run(check: Check, name: str) -> None:
        pool.submit_all(check, ALL_STARTING_STATES)
        tally[name] += pool.result(check, *request.param)

    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Raise the timeout of tests that use the pool: their schedules wait for a free processor."""
    for item in items:
        if "pool" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(PATIENCE))
