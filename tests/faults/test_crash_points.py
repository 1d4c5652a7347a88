"""A function's process dies at each API call, before or after the call is applied.

The calls are those of each operation from each starting state, and those of whole scenarios. Afterwards the queue
delivers the event again, or only the sweep runs. The run ends as without the crash: same outcome, one Job per attempt,
no attempt lost, no object left over.
"""

import random
from collections import Counter
from collections.abc import Callable
from functools import cache, partial

import pytest

from functions.cluster.kinds import JOB
from tests.faults.conftest import SCALE, SEED, RunOnState
from tests.faults.interrupted_operation import InterruptedOperations
from tests.faults.scenarios import SCENARIOS, Scenario, check_the_end
from tests.faults.starting_states import Build, operations_in, starting_state
from tests.support.crashing import CrashingTransport
from tests.support.memoized_server import MemoizedServer, StateGraph
from tests.support.run_steps import DONE, submitted

MOST_CALLS = 60


def play(kind: str, build: Build) -> int:
    """Crash each operation on one starting state at each call; return the number of crashes."""
    interrupted, rng = (
        InterruptedOperations(starting_state(build, kind)),
        random.Random(f"{SEED} {kind} {build.__name__}"),
    )
    return sum(
        len(
            list(
                interrupted.every_call(operation, partial(CrashingTransport, after=after), lambda: rng.random() < SCALE)
            )
        )
        for operation in operations_in(build, kind)
        for after in (False, True)
    )


def test_crash_at_any_call_of_an_operation_does_not_change_the_outcome(run_on_state: RunOnState) -> None:
    run_on_state(play, "crash points")


@cache
def _past(_: Callable[[Scenario], None]) -> StateGraph:
    """Return the cache that all crashes of one scenario share: they are alike up to the crash."""
    return StateGraph()


@pytest.mark.parametrize("redelivered", [True, False], ids=["redelivered", "only the sweep"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_crash_at_any_call_of_a_scenario_does_not_change_the_outcome(
    scenario: Callable[[Scenario], None], after: bool, redelivered: bool, tally: Counter[str]
) -> None:
    tried, past = 0, _past(scenario)
    for at in range(MOST_CALLS):
        played = Scenario(MemoizedServer(past), at, after, redelivered, namespace="crash")
        scenario(played)
        if not played.crashed:
            break
        tried += 1
    tally["crash points"] += tried
    assert 2 <= tried < MOST_CALLS, "the scenario ran once with a crash at each call, and last without a crash"


def test_scenario_check_reports_a_second_job_of_one_attempt() -> None:
    scenario = Scenario(MemoizedServer(StateGraph()), MOST_CALLS, False, True)
    run = submitted(scenario.harness)
    scenario.deliver_run(run)
    run = scenario.attempt(run, DONE, ok=True)
    twin = {**scenario.harness.jobs()[0]}
    owners = twin["metadata"]["ownerReferences"]
    metadata = {"name": "code-run-1-late", "namespace": scenario.harness.namespace, "ownerReferences": owners}
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "x"}]}}
    scenario.harness.kubelet.create(JOB, {**twin, "metadata": metadata, "spec": {"template": template}, "status": {}})
    with pytest.raises(AssertionError):
        check_the_end(scenario, run, attempts=1)
