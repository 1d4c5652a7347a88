"""A review of a pull request: request the commands in it, and a retry if it asks for changes to a run's work."""

from collections.abc import Sequence

from functions.github.commands import parse
from functions.github.reports.feedback import describe_review, subject_of_review
from functions.github.webhook.branches import is_from_run
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, key, sort_key
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("pull_request_review", "submitted")
def submitted(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the commands in the review, and a retry if it asks for changes and has no command to retry or cancel.

    The retry has the key of the first command, as in feedback_lookup.py, but a reply of its own.
    """
    review, pull_request = event.number("review", "id"), event.pull_request
    if event.by_bot or not review or not pull_request:
        return []
    body = event.text("review", "body")
    commands = parse.parse_comment(body, event.app)
    triggers: list[tuple[int, parse.Command | FeedbackReceived]] = [*enumerate(commands)]
    changes_requested = event.text("review", "state").lower() == "changes_requested"
    decides = any(command.name in ("retry", "cancel") for command in commands)
    if changes_requested and not decides and is_from_run(pull_request):
        description, subject = describe_review(event.sender, body), subject_of_review(event.sender)
        triggers.append((0, FeedbackReceived("review", description, pull_request.head, subject, review)))
    return [
        CommandRequest(
            key=key(event, "review", review, ordinal),
            trigger=trigger,
            number=pull_request.number,
            login=event.sender,
            url=event.text("review", "html_url"),
            on_pull_request=True,
            pull_request=pull_request,
            sort_key=sort_key(event.text("review", "submitted_at"), review, ordinal),
        )
        for ordinal, trigger in triggers
    ]
