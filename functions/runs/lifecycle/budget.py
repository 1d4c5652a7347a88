"""What a run may spend, over all its attempts: `maxCostUsd` and `maxTurns` of its spec, less what it has used.

The agent CLI is told what is left and ends itself there; an attempt that would have nothing left is not made.
"""

from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import Usage


def turns_left(run: Run) -> int | None:
    """Turns of the agent; None: no limit."""
    if run.spec is None or run.spec.max_turns is None:
        return None
    return max(0, run.spec.max_turns - (run.status.usage.turns if run.status.usage else 0))


def cost_left(run: Run) -> float | None:
    """US dollars; None: no limit."""
    if run.spec is None or run.spec.max_cost_usd is None:
        return None
    return max(0.0, round(run.spec.max_cost_usd - (run.status.usage.cost_usd if run.status.usage else 0), 6))


def spent(run: Run, usage: Usage | None) -> tuple[Reason, str] | None:
    """Why the run, having used this much, may make no further attempt, in words; None where it may."""
    if run.spec is None or usage is None:
        return None
    turns, cost = run.spec.max_turns, run.spec.max_cost_usd
    if turns is not None and usage.turns >= turns:
        return Reason.MAX_TURNS, f"all its attempts took {usage.turns} turns: raise spec.maxTurns ({turns}) to go on"
    if cost is not None and usage.cost_usd >= cost:
        message = f"all its attempts cost {usage.cost_usd:.2f} USD: raise spec.maxCostUsd ({cost:g}) to go on"
        return Reason.BUDGET_EXCEEDED, message
    return None
