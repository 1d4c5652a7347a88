"""The remaining budget of a run, over all its attempts.

| spec          | used so far | left | next                               |
|---------------|-------------|------|------------------------------------|
| no limit      | any         | -    | attempt                            |
| limit         | less        | rest | attempt, limited to the rest       |
| limit         | all of it   | 0    | the end: MaxTurns, BudgetExceeded  |
| limit raised  | old limit   | rest | attempt                            |
"""

import json
from typing import Any

import pytest

from functions.reconciler.rendering import task_files
from functions.runs.lifecycle import actions, budget
from functions.runs.lifecycle.decide import decide
from functions.runs.lifecycle.observed import Observed
from functions.runs.lifecycle.states import State, state
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from tests.support.builders import NOW, POLICY, job, pod, run, settings, with_attempt


def used(turns: int, cost: float, /, **spec: Any) -> Run:
    found = run(spec=spec, status={"usage": {"turns": turns, "costUsd": cost}})
    assert found.status.usage
    return found


@pytest.mark.parametrize(
    ("found", "turns", "cost", "reason"),
    [
        (used(30, 2.5), None, None, None),
        (used(30, 2.5, maxTurns=50, maxCostUsd=4), 20, 1.5, None),
        (used(50, 2.5, maxTurns=50), 0, None, Reason.MAX_TURNS),
        (used(51, 2.5, maxTurns=50), 0, None, Reason.MAX_TURNS),
        (used(30, 2.5, maxCostUsd=2.5), None, 0, Reason.BUDGET_EXCEEDED),
        (used(50, 2.5, maxTurns=60, maxCostUsd=3), 10, 0.5, None),
    ],
)
def test_a_run_with_remaining_budget_starts_and_without_it_fails(
    found: Run, turns: int | None, cost: float | None, reason: Reason | None
) -> None:
    assert (budget.turns_left(found), budget.cost_left(found)) == (turns, cost)
    action = decide(Observed(found), NOW, POLICY)
    if reason is None:
        assert isinstance(action, actions.Start)
    else:
        assert isinstance(action, actions.Close)
        assert action.status.succeeded
        assert (state(action.status), action.status.succeeded.reason) == (State.FAILED, reason)
        assert "raise spec.max" in action.status.succeeded.message


def test_an_attempt_that_used_the_remaining_budget_is_not_retried() -> None:
    fresh = run(spec={"maxCostUsd": 1})
    working = with_attempt(fresh)
    usage = {"costUsd": 1.2, "turns": 3}
    report = json.dumps({"outcome": "failed", "reason": "NetworkError", "message": "gone", "usage": usage})
    seen = Observed(working, job("x", ended="Failed"), [pod("Failed", report=report, exit_code=1)])
    action = decide(seen, NOW, POLICY)
    assert isinstance(action, actions.Close)
    assert action.status.succeeded
    assert action.status.succeeded.reason == Reason.BUDGET_EXCEEDED
    assert action.status.attempts[-1].reason == "NetworkError", "the attempt keeps its own reason"


def test_the_agent_is_started_with_the_remaining_budget() -> None:
    found = used(30, 2.5, maxTurns=50, maxCostUsd=4)
    script = task_files(settings(), with_attempt(found)).files["container.sh"]
    assert "--max-turns 20" in script
    assert "--max-budget-usd 1.5" in script
