"""The conditions of a run, and the one function that sets them. Pure.

    Succeeded           the decisive one: Unknown while the run is unfinished, then True or False
    Ready               the same, for tools that only know this name (kstatus: Flux, Argo CD)
    Stalled             True once the run has ended without success: kstatus reports such an object as Failed
    Finished            True at every end: kubectl wait --for=condition=Finished
    RetryRefused        True/NotFinished until a retry is taken up
    PullRequestMerged   False/Open, False/Closed, True/Merged (pull_request.py)

The first four follow one another and are written together. RetryRefused stands apart because the message of the status
is soon replaced by that of the next step, and the person who asked should still find the answer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.runs.model.reasons import Reason
from functions.runs.model.status import Condition, RunStatus, Truth

SUCCEEDED = "Succeeded"
LIFECYCLE = (SUCCEEDED, "Ready", "Stalled", "Finished")
"""The conditions that every step of a run writes, with the same reason and message."""
RETRY_REFUSED = "RetryRefused"
PULL_REQUEST_MERGED = "PullRequestMerged"


def find(conditions: Sequence[Condition], condition_type: str) -> Condition | None:
    """Return the condition of that type, or None."""
    return next((condition for condition in conditions if condition.type == condition_type), None)


def set_condition(
    conditions: Sequence[Condition],
    condition_type: str,
    truth: Truth,
    reason: Reason,
    message: str,
    generation: int,
    now: datetime,
) -> list[Condition]:
    """Return the conditions with this one set; an unchanged status keeps its transition time."""
    before = find(conditions, condition_type)
    condition = Condition(
        type=condition_type,
        status=truth,
        reason=reason,
        message=message,
        last_transition_time=before.last_transition_time if before and before.status == truth else now,
        observed_generation=generation,
    )
    if before:
        return [condition if other is before else other for other in conditions]
    return [*conditions, condition]


def set_lifecycle(
    conditions: Sequence[Condition], truth: Truth, reason: Reason, message: str, generation: int, now: datetime
) -> list[Condition]:
    """Return the conditions with Succeeded, Ready, Stalled and Finished set for this value of Succeeded."""
    stalled: Truth = "True" if truth == "False" else "False"
    finished: Truth = "False" if truth == "Unknown" else "True"
    changed = list(conditions)
    for condition_type, value in zip(LIFECYCLE, (truth, truth, stalled, finished), strict=True):
        changed = set_condition(changed, condition_type, value, reason, message, generation, now)
    return changed


def retry_refused(status: RunStatus, message: str, generation: int, now: datetime) -> RunStatus:
    """Return the status saying that a retry was refused."""
    changed = set_condition(status.conditions, RETRY_REFUSED, "True", Reason.NOT_FINISHED, message, generation, now)
    return status.model_copy(update={"conditions": changed})


def clear_retry_refused(status: RunStatus) -> RunStatus:
    """Return the status after a retry was taken up."""
    kept = [condition for condition in status.conditions if condition.type != RETRY_REFUSED]
    return status.model_copy(update={"conditions": kept})


def retry_refused_message(status: RunStatus) -> str:
    """Return why the last retry was refused; empty if none was."""
    condition = find(status.conditions, RETRY_REFUSED)
    return condition.message if condition else ""


def with_message(conditions: Sequence[Condition], message: str) -> list[Condition]:
    """Return the conditions with another message on those of the lifecycle."""
    return _with(conditions, {"message": message})


def with_generation(conditions: Sequence[Condition], generation: int) -> list[Condition]:
    """Return the conditions with another observedGeneration on those of the lifecycle."""
    return _with(conditions, {"observed_generation": generation})


def _with(conditions: Sequence[Condition], update: dict[str, Any]) -> list[Condition]:
    return [c.model_copy(update=update) if c.type in LIFECYCLE else c for c in conditions]
