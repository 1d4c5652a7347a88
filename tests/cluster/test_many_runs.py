"""1,000 runs (at SCALE=1) are submitted at once, on a real API server with the real Job controller.

Each finishes exactly once. test_many_runs_in_turn.py has runs with a limit, so that another worker can run it.
"""

from collections.abc import Callable

import pytest

from functions.settings.limits import LimitSettings
from tests.cluster.conftest import HOME, Base
from tests.cluster.many_runs import Workload, check_each_finished_once, patience, played, summary
from tests.conftest import SCALE
from tests.support.control_plane import ControlPlane

MANY = max(int(1000 * SCALE), 20)


@pytest.mark.timeout(int(patience(MANY)) + 120)
def test_each_of_many_runs_finishes_exactly_once(
    plane: ControlPlane, base: Base, record_property: Callable[[str, object], None]
) -> None:
    workload = Workload(plane, base(f"{HOME}-many"), MANY, LimitSettings())
    seen = played(workload)
    check_each_finished_once(workload, seen)
    record_property("summary", summary(workload, seen))
