"""The report of an attempt: what the container script writes to its termination log, and how it is read.

It is text from a container that ran foreign code: it is checked like any input, and one that does not pass counts as
no report.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from functions.runs.model.api_model import ApiModel
from functions.runs.model.reasons import Reason, row
from functions.runs.model.status import MESSAGE_LENGTH, SUMMARY_LENGTH, Usage

REPORT_BYTES = 4096
"""A termination message is cut off there (Kubernetes: Determine the Reason for Pod Failure)."""


class Report(ApiModel):
    """An attempt's own account of its end."""

    outcome: Literal["succeeded", "failed"]
    reason: Reason
    message: Annotated[str, Field(max_length=MESSAGE_LENGTH)] = ""
    summary: Annotated[str | None, Field(max_length=SUMMARY_LENGTH)] = None
    branch: str | None = None
    commit: Annotated[str | None, Field(pattern=r"^[0-9a-f]{40,64}$")] = None
    pull_request_url: Annotated[str | None, Field(pattern=r"^https://\S+$", max_length=500)] = None
    session_id: Annotated[str | None, Field(max_length=100)] = None
    usage: Usage | None = None
    model: Annotated[str | None, Field(max_length=256)] = None
    rate_limit_reset_at: AwareDatetime | None = None


def read(text: str) -> Report | None:
    """Return the report in a termination message; None if there is none, or its reason is not an attempt's to give."""
    try:
        report = Report.model_validate_json(text)
    except ValidationError:
        return None
    return report if row(report.reason).by_attempt else None
