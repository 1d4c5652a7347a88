"""500 runs submitted at once where 5 may work, on a real API server with the real Job controller.

All finish, each exactly once; never more than 5 Jobs or pods at any event of a watch; nobody is overtaken. How many
there are at SCALE=1.
"""

import itertools
import threading
from collections.abc import Callable

import pytest

from functions.cluster.client import Cluster
from functions.settings.limits import LimitSettings
from tests.cluster.conftest import HOME, Base, connect
from tests.cluster.many_runs import Scene, check_each_finished_once, patience, played, summary
from tests.cluster.recording import Recording
from tests.conftest import SCALE
from tests.support.control_plane import ControlPlane

LIMIT = 5
WAITING = max(int(500 * SCALE), 20)


def together(count: int) -> Callable[[], None]:
    """The work of agents of which the first ones wait until so many work at once."""
    barrier, numbers = threading.Barrier(count), itertools.count(1)

    def works() -> None:
        if next(numbers) <= count:
            barrier.wait(timeout=patience(WAITING))

    return works


@pytest.mark.timeout(int(patience(WAITING)) + 120)
def test_with_a_limit_no_more_than_that_work_at_once_and_each_in_its_turn(
    plane: ControlPlane, base: Base, record_property: Callable[[str, object], None]
) -> None:
    scene = Scene(plane, base(f"{HOME}-in-turn"), WAITING, LimitSettings(runs=LIMIT), together(LIMIT))
    recording = Recording(Cluster(connect(plane)), scene.namespace)
    try:
        seen = played(scene)
    finally:
        recording.stop()
    check_each_finished_once(scene, seen)
    assert recording.lost == []
    assert recording.most == {"Job": LIMIT, "Pod": LIMIT}, "as many as may, and never more"
    assert recording.queued > WAITING // 2
    assert list(recording.overtaken()) == []
    record_property("summary", summary(scene, seen))
