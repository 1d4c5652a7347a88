"""That a person's retry was refused, as a condition of its own beside those of the run's life. Pure.

    RetryRefused   True/NotFinished

The message of the status is the next step's, often within the same pass; the condition stays until a retry is taken
up, so that who asked for it finds out why nothing came of it.
"""

from datetime import datetime

from functions.runs.model.reasons import Reason
from functions.runs.model.status import Condition, RunStatus

REFUSED = "RetryRefused"
"""The type of the condition."""


def retry_refused(status: RunStatus, message: str, generation: int, now: datetime) -> RunStatus:
    """The status that says so; that of a second refusal keeps the time of the first."""
    before = _condition(status)
    condition = Condition(
        type=REFUSED,
        status="True",
        reason=Reason.NOT_FINISHED,
        message=message,
        last_transition_time=before.last_transition_time if before else now,
        observed_generation=generation,
    )
    return status.model_copy(update={"conditions": [*clear_retry_refused(status).conditions, condition]})


def clear_retry_refused(status: RunStatus) -> RunStatus:
    """The status once a retry is taken up: none is refused any more."""
    return status.model_copy(update={"conditions": [each for each in status.conditions if each.type != REFUSED]})


def retry_refused_message(status: RunStatus) -> str:
    """Why the last retry was refused, in words; "" where none was."""
    condition = _condition(status)
    return condition.message if condition else ""


def _condition(status: RunStatus) -> Condition | None:
    return next((each for each in status.conditions if each.type == REFUSED), None)
