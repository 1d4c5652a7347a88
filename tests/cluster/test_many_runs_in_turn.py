"""500 runs (at SCALE=1) are submitted at once with a limit of 5, on a real API server with the real Job controller.

Each finishes exactly once, a watch never sees more than 5 Jobs or pods, and no run is overtaken.
"""

import itertools
import threading
from collections.abc import Callable

import pytest

from functions.cluster.client import Cluster
from functions.settings.limits import LimitSettings
from tests.cluster.conftest import HOME, Base, connect
from tests.cluster.many_runs import Workload, check_each_finished_once, patience, played, summary
from tests.cluster.recording import Recording
from tests.conftest import SCALE
from tests.support.control_plane import ControlPlane

LIMIT = 5
WAITING = max(int(500 * SCALE), 20)


def together(count: int) -> Callable[[], None]:
    """Return the work of an agent; the first `count` agents wait until so many run concurrently."""
    barrier, numbers = threading.Barrier(count), itertools.count(1)

    def works() -> None:
        if next(numbers) <= count:
            barrier.wait(timeout=patience(WAITING))

    return works


@pytest.mark.timeout(int(patience(WAITING)) + 120)
def test_runs_with_a_limit_never_exceed_it_and_start_in_order(
    plane: ControlPlane, base: Base, record_property: Callable[[str, object], None]
) -> None:
    workload = Workload(plane, base(f"{HOME}-in-turn"), WAITING, LimitSettings(runs=LIMIT), together(LIMIT))
    recording = Recording(Cluster(connect(plane)), workload.namespace)
    try:
        seen = played(workload)
    finally:
        recording.stop()
    check_each_finished_once(workload, seen)
    assert recording.lost == []
    assert recording.most == {"Job": LIMIT, "Pod": LIMIT}, "the limit is reached and not exceeded"
    assert recording.queued > WAITING // 2
    assert list(recording.overtaken()) == []
    record_property("summary", summary(workload, seen))
