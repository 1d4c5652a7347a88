"""A check on a run's branch failed, or on its pull request in the merge queue: request an automatic retry.

Whether the run still works on that commit and pull request is decided later, from the run itself.
"""

from collections.abc import Mapping, Sequence

from functions.github.commands.parse import Retry
from functions.github.json_fields import dig, dig_number
from functions.github.reports import feedback
from functions.github.webhook.branches import queued_pull_request, run_name
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, key
from functions.github.webhook.event import PullRequest, WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("check_run", "completed")
def completed(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request a retry for a failed check that is not our own."""
    check = event.data.get("check_run")
    number, branch = event.number("check_run", "id"), event.text("check_run", "check_suite", "head_branch")
    queued = queued_pull_request(branch)
    if not (number and isinstance(check, Mapping) and feedback.is_failed_check(check) and (run_name(branch) or queued)):
        return []
    commit, subject = event.text("check_run", "head_sha"), feedback.subject_of_check(check)
    return [
        CommandRequest(
            key=key(event, "check", number),
            trigger=FeedbackReceived("check", feedback.describe_check(check), branch, subject, number, commit),
            number=queued or _pull_request_number(event, "check_run"),
            url=event.text("check_run", "html_url"),
            on_pull_request=True,
        )
    ]


@router.on("check_run", "rerequested")
def rerequested(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request a retry if a person presses "Re-run" on our own check."""
    check, branch = event.data.get("check_run"), event.text("check_run", "check_suite", "head_branch")
    is_own = isinstance(check, Mapping) and feedback.is_own_check(check)
    return _retry(event, "check_run", branch) if is_own else []


@router.on("check_suite", "rerequested")
def all_rerequested(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request a retry if a person presses "Re-run all checks", of which only the App of these checks hears."""
    return _retry(event, "check_suite", event.text("check_suite", "head_branch"))


def _retry(event: WebhookEvent, kind: str, branch: str) -> Sequence[CommandRequest]:
    if event.by_bot or not run_name(branch):
        return []
    number = _pull_request_number(event, kind)
    return [
        CommandRequest(
            key=key(event, kind.removesuffix("_run"), event.number(kind, "id"), "rerequested", event.delivery),
            trigger=Retry(),
            number=number,
            login=event.sender,
            url=event.text(kind, "html_url"),
            on_pull_request=True,
            pull_request=PullRequest(number, branch, "", fork=False),
        )
    ]


def _pull_request_number(event: WebhookEvent, kind: str) -> int:
    """Return the number of the branch's pull request; 0 if GitHub names none."""
    pulls = dig(event.data, kind, "pull_requests")
    return dig_number(pulls[0], "number") if isinstance(pulls, list) and pulls else 0
