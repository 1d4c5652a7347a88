"""The remaining budget of a run: `maxCostUsd` and `maxTurns` of its spec, less the usage of all its attempts. Pure.

The agent CLI gets what is left and ends itself there; an attempt that would have nothing left is not started.
"""

from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import Usage


def turns_left(run: Run) -> int | None:
    """Return how many turns of the agent are left; None: no limit."""
    if run.spec is None or run.spec.max_turns is None:
        return None
    return max(0, run.spec.max_turns - (run.status.usage.turns if run.status.usage else 0))


def cost_left(run: Run) -> float | None:
    """Return how many US dollars are left; None: no limit."""
    if run.spec is None or run.spec.max_cost_usd is None:
        return None
    return max(0.0, round(run.spec.max_cost_usd - (run.status.usage.cost_usd if run.status.usage else 0), 6))


def spent(run: Run, usage: Usage | None) -> tuple[Reason, str] | None:
    """Return why a run that has used this much may start no further attempt; None if it may."""
    if run.spec is None or usage is None:
        return None
    turns, cost = run.spec.max_turns, run.spec.max_cost_usd
    if turns is not None and usage.turns >= turns:
        return Reason.MAX_TURNS, f"all its attempts took {usage.turns} turns: raise spec.maxTurns ({turns}) to go on"
    if cost is not None and usage.cost_usd >= cost:
        message = f"all its attempts cost {usage.cost_usd:.2f} USD: raise spec.maxCostUsd ({cost:g}) to go on"
        return Reason.BUDGET_EXCEEDED, message
    return None
