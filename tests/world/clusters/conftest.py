"""A run in a cluster of its own for each test, in this process."""

import pytest

from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer


@pytest.fixture
def world() -> Harness:
    return Harness(InProcessServer(), "clusters")
