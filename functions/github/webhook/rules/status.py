"""A commit status of a run's branch failed: request an automatic retry, as for a check."""

from collections.abc import Sequence

from functions.github.json_fields import dig_text
from functions.github.reports import feedback
from functions.github.webhook.branches import queued_pull_request, run_name
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, key
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("status")
def changed(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request a retry for a failed status of a commit on a run's branch."""
    branches, number, commit = event.data.get("branches"), event.number("id"), event.text("sha")
    names = [dig_text(branch, "name") for branch in branches] if isinstance(branches, list) else []
    description, subject = feedback.describe_status(event.data, commit), feedback.subject_of_status(event.data)
    if event.text("state") not in feedback.FAILED_STATES or not number:
        return []
    return [
        CommandRequest(
            key=key(event, "status", number),
            trigger=FeedbackReceived("check", description, branch, subject, number, commit),
            number=queued_pull_request(branch),
            url=event.text("target_url"),
            on_pull_request=True,
        )
        for branch in names
        if run_name(branch) or queued_pull_request(branch)
    ]
