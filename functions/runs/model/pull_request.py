"""The state of a run's pull request, as the condition PullRequestMerged. Pure.

    PullRequestMerged   False/Open, False/Closed, True/Merged

It decides one thing about the run: work that is merged or closed is not retried automatically.
"""

from datetime import datetime
from typing import Literal

from functions.runs.model import conditions
from functions.runs.model.conditions import PULL_REQUEST_MERGED
from functions.runs.model.reasons import Reason
from functions.runs.model.status import Condition, RunStatus

State = Literal["Open", "Merged", "Closed"]


def condition_of(status: RunStatus) -> Condition | None:
    """Return the condition of the run's pull request, or None if it has none."""
    return conditions.find(status.conditions, PULL_REQUEST_MERGED)


def is_closed(status: RunStatus) -> bool:
    """Return whether the pull request is merged or closed."""
    condition = condition_of(status)
    return condition is not None and condition.reason in (Reason.MERGED, Reason.CLOSED)


def set_pull_request(status: RunStatus, url: str, state: State, generation: int, now: datetime) -> RunStatus:
    """Return the status with the pull request at `url` in that state; the same object if nothing changes.

    A run has one pull request at a time: another one counts only once the first is merged or closed.
    """
    known, before = status.pull_request_url, condition_of(status)
    if known and known != url and not (is_closed(status) and state == "Open"):
        return status
    if known == url and before and before.reason == state:
        return status
    truth: Literal["True", "False"] = "True" if state == "Merged" else "False"
    changed = conditions.set_condition(
        status.conditions, PULL_REQUEST_MERGED, truth, Reason(state), url, generation, now
    )
    return status.model_copy(update={"pull_request_url": url, "conditions": changed})
