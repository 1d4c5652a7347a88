"""How the outcome of a request for a run is printed."""

import sys

from functions.clients.output import Output, columns, say, styled, write
from functions.clients.submit import Accepted
from functions.clients.tasks.request import Outcome


def show(outcome: Outcome, output: Output) -> None:
    """Write the outcome to standard output, and how to follow the run to standard error."""
    write(output, outcome.facts, lambda: _text(outcome))
    if outcome.accepted and output == "table":
        say(f"follow it with: orchestrator runs watch {outcome.accepted.name}")


def _text(outcome: Outcome) -> str:
    accepted = outcome.accepted
    if accepted is None:
        return columns([(field, value) for field, value in outcome.spec.items()])
    answer = columns([("NAME", "KIND", "NAMESPACE", "PHASE"), _row(accepted)])
    return answer if not accepted.repeated else f"{answer}\n{styled(accepted.message, 'yellow', sys.stdout)}"


def _row(accepted: Accepted) -> tuple[str, ...]:
    return (accepted.name, accepted.kind, accepted.namespace, accepted.phase)
