"""An API server without a socket for each test, and the log of what is done there."""

from collections.abc import Iterator

import pytest

from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer
from tests.telemetry.logged import Logged, logging_to


@pytest.fixture
def world() -> Harness:
    return Harness(InProcessServer(), "orchestrator")


@pytest.fixture
def logged() -> Iterator[Logged]:
    with logging_to() as found:
        yield found
