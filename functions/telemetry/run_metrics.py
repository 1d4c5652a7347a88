"""Metrics of runs: transitions, attempts, cost and tokens, measured when a status has been written."""

from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus, Usage
from functions.telemetry.metrics import ATTEMPTS, COST, TOKENS, TRANSITIONS


def measure(before: Run, status: RunStatus) -> None:
    """Measure the step from `before` to the status that was written; call it only if the write succeeded."""
    kind, old, new = before.kind, before.status.succeeded, status.succeeded
    if new and (old is None or old.reason != new.reason):
        TRANSITIONS.add(kind=kind, phase=status.phase or "", reason=new.reason)
    if status.open_attempt and len(status.attempts) and status.attempt != before.status.attempt:
        ATTEMPTS.add(kind=kind)
    _measure_usage(kind, before.status.usage or Usage(), status.usage or Usage())


def _measure_usage(kind: str, old: Usage, new: Usage) -> None:
    if new.cost_usd > old.cost_usd:
        COST.add(new.cost_usd - old.cost_usd, kind=kind)
    added = {"input": new.input_tokens - old.input_tokens, "output": new.output_tokens - old.output_tokens}
    for token_type, tokens in added.items():
        if tokens > 0:
            TOKENS.add(tokens, kind=kind, type=token_type)
