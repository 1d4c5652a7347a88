"""A sample of the crash points of tests/faults, on a real API server with the real Job controller."""

from collections.abc import Callable

import pytest

from tests.cluster.conftest import HOME, Base, connect
from tests.faults.scenarios import Scenario, is_deleted, is_made_by_hand, is_tried_again, succeeds
from tests.support.control_plane import ControlPlane
from tests.support.node import SimulatedKubelet

SAMPLE = [succeeds, is_tried_again, is_deleted, is_made_by_hand]


@pytest.mark.parametrize("at", [1, 3, 4, 6])
@pytest.mark.parametrize("play", SAMPLE, ids=lambda play: play.__name__)
def test_crash_does_not_change_the_outcome(
    plane: ControlPlane, base: Base, node: SimulatedKubelet, play: Callable[[Scenario], None], at: int
) -> None:
    base(HOME)  # applies the CRDs
    for after in (False, True):
        scenario = Scenario(connect(plane), at, after, redelivered=after, node=node)
        play(scenario)
        assert scenario.crashed or at > 4
