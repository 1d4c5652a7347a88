"""What became of a run's pull request, as a condition of its own beside those of its life. Pure.

    PullRequestMerged   False/Open, False/Closed, True/Merged

It decides nothing about the run but one thing: work that is merged or closed is not taken up again by itself.
"""

from datetime import datetime
from typing import Literal

from functions.runs.model.reasons import Reason
from functions.runs.model.status import Condition, RunStatus

MERGED = "PullRequestMerged"
"""The type of the condition."""

State = Literal["Open", "Merged", "Closed"]


def is_closed(status: RunStatus) -> bool:
    """Whether it is merged or closed."""
    condition = _condition(status)
    return condition is not None and condition.reason in (Reason.MERGED, Reason.CLOSED)


def set_pull_request(status: RunStatus, url: str, state: State, generation: int, now: datetime) -> RunStatus:
    """The status with the pull request at `url` in that state; the same one where it says so already.

    A run has one pull request at a time: another one counts only when the first is merged or closed.
    """
    known = status.pull_request_url
    if known and known != url and not (is_closed(status) and state == "Open"):
        return status
    condition, before = _new(url, state, generation, now), _condition(status)
    if known == url and before and before.reason == condition.reason:
        return status
    if before and before.status == condition.status:
        condition = condition.model_copy(update={"last_transition_time": before.last_transition_time})
    others = [each for each in status.conditions if each.type != MERGED]
    return status.model_copy(update={"pull_request_url": url, "conditions": [*others, condition]})


def _new(url: str, state: State, generation: int, now: datetime) -> Condition:
    return Condition(
        type=MERGED,
        status="True" if state == "Merged" else "False",
        reason=Reason(state),
        message=url,
        last_transition_time=now,
        observed_generation=generation,
    )


def _condition(status: RunStatus) -> Condition | None:
    return next((each for each in status.conditions if each.type == MERGED), None)
