"""What a status that was just written says about runs in general: transitions, attempts, cost and tokens."""

from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus, Usage
from functions.telemetry.metrics import ATTEMPTS, COST, TOKENS, TRANSITIONS


def measure(before: Run, status: RunStatus) -> None:
    """Measures the step from `before` to `status`; whoever lost the race for it has written nothing."""
    kind, old, new = before.kind, before.status.succeeded, status.succeeded
    if new and (old is None or old.reason != new.reason):
        TRANSITIONS.add(kind=kind, phase=status.phase or "", reason=new.reason)
    if status.open_attempt and len(status.attempts) and status.attempt != before.status.attempt:
        ATTEMPTS.add(kind=kind)
    _usage(kind, before.status.usage or Usage(), status.usage or Usage())


def _usage(kind: str, old: Usage, new: Usage) -> None:
    if new.cost_usd > old.cost_usd:
        COST.add(new.cost_usd - old.cost_usd, kind=kind)
    grown = {"input": new.input_tokens - old.input_tokens, "output": new.output_tokens - old.output_tokens}
    for word, tokens in grown.items():
        if tokens > 0:
            TOKENS.add(tokens, kind=kind, type=word)
