"""How much is tried, and how much was: the counts are printed at the end, with the seed that repeats them."""

import os
from collections import Counter

import pytest

from functions.cluster.transport import Transport
from tests.support.direct import Direct

SCALE = float(os.environ.get("SCALE", "0.1"))
"""Part of the schedules that are tried; 1 is all of them."""
SEED = os.environ.get("FAULT_SEED", "1")
"""Of everything random."""
_TALLY = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session")
def api() -> Transport:
    """One API server for all stories that have a namespace of their own."""
    return Direct()


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Counter[str]:
    """How many of each kind of fault were tried."""
    return request.config.stash.setdefault(_TALLY, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tried = terminalreporter.config.stash.get(_TALLY, Counter())
    if tried:
        counts = ", ".join(f"{count} {what}" for what, count in sorted(tried.items()))
        terminalreporter.write_line(f"faults tried: {counts} (SCALE={SCALE:g}, FAULT_SEED={SEED})")
