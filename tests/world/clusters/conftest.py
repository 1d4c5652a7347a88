"""Fixtures: an in-process API server for each test, and the functions on a real control plane."""

import pytest

from functions.cluster.transport import Transport
from tests.cluster.conftest import FUNCTIONS_USER, HOME, Base, base, connect, node, plane
from tests.support.api import Harness
from tests.support.control_plane import ControlPlane
from tests.support.in_process_server import InProcessServer
from tests.support.node import SimulatedKubelet

__all__ = ["base", "node", "plane"]


@pytest.fixture
def world() -> Harness:
    return Harness(InProcessServer(), "clusters")


@pytest.fixture
def real(plane: ControlPlane, base: Base, node: SimulatedKubelet) -> Harness:
    """Return the functions, as their own user, on a real control plane with a simulated kubelet."""
    return Harness(connect(plane, FUNCTIONS_USER), base(HOME), node)


@pytest.fixture
def admin(plane: ControlPlane) -> Transport:
    """Return a transport as the control plane's administrator."""
    return connect(plane)
