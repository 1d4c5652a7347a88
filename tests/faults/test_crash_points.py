"""Kills the function at every API call of a run's life, and at every call of whatever happens at any stage of it,
before and after the call was applied.

Afterwards the queue delivers the event again, or only the sweep runs. Either way the run must end as
if nothing had happened: same outcome, one Job per attempt, no attempt lost, nothing left over.
"""

import random
from collections import Counter
from collections.abc import Callable
from functools import cache, partial

import pytest

from functions.cluster.kinds import JOB
from tests.faults.conftest import SCALE, SEED
from tests.faults.interrupted_operation import InterruptedOperations
from tests.faults.parallel import CheckPool
from tests.faults.scenarios import SCENARIOS, Scenario, check_the_end
from tests.faults.starting_states import (
    ALL_STARTING_STATES,
    KINDS,
    STARTING_STATES,
    Build,
    operations_in,
    starting_state,
)
from tests.support.crashing import CrashingTransport
from tests.support.memoized_server import MemoizedServer, StateGraph
from tests.support.run_steps import DONE, submitted

MOST_CALLS = 60


def play(kind: str, build: Build) -> int:
    """Kills everything at one stage at each call; how often."""
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


@pytest.mark.parametrize("build", STARTING_STATES, ids=lambda build: build.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_call_of_anything_at_any_stage_changes_nothing(
    kind: str, build: Build, pool: CheckPool, tally: Counter[str]
) -> None:
    pool.submit_all(play, ALL_STARTING_STATES)
    tally["crash points"] += pool.result(play, kind, build)


@cache
def _past(_: Callable[[Scenario], None]) -> StateGraph:
    """Of all lives of one story, which begin alike and differ from the call on that is fatal."""
    return StateGraph()


@pytest.mark.parametrize("redelivered", [True, False], ids=["event comes again", "only the sweep comes"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_crash_at_any_call_changes_nothing_in_the_end(
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
    assert 2 <= tried < MOST_CALLS, "every call of the story was fatal once, and then none was"


def test_the_harness_notices_a_job_that_is_made_twice() -> None:
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
