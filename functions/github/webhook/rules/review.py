"""A review of a pull request: request the commands in it, and a retry if it asks for changes to a run's work.

An edit requests the commands that it adds; the retry was requested when the review was submitted.
"""

from collections.abc import Sequence

from functions.github.commands.parse import Command
from functions.github.reports.feedback import describe_review, subject_of_review
from functions.github.webhook.branches import is_from_run
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, key, sort_key
from functions.github.webhook.edits import commands_of
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("pull_request_review", "submitted", "edited")
def submitted(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the commands in the review, and a retry if it asks for changes and has no command to retry or cancel."""
    review, pull_request = event.number("review", "id"), event.pull_request
    by_another = event.action == "edited" and event.sender != event.text("review", "user", "login")
    if event.by_bot or by_another or not review or not pull_request:
        return []
    body = event.text("review", "body")
    commands = commands_of(event, body)
    triggers: list[tuple[int | str, Command | FeedbackReceived]] = [*commands]
    decides = any(command.name in ("retry", "cancel") for _, command in commands)
    if _asks_for_changes(event) and not decides and is_from_run(pull_request):
        description, subject = describe_review(event.sender, body), subject_of_review(event.sender)
        triggers.append(("feedback", FeedbackReceived("review", description, pull_request.head, subject, review)))
    edit = _edited_at(event) if event.action == "edited" else ""
    return [
        CommandRequest(
            key=key(event, "review", review, part),
            trigger=trigger,
            number=pull_request.number,
            login=event.sender,
            url=event.text("review", "html_url"),
            on_pull_request=True,
            pull_request=pull_request,
            edit=edit,
            sort_key=sort_key(edit or event.text("review", "submitted_at"), review, at),
        )
        for at, (part, trigger) in enumerate(triggers)
    ]


def _asks_for_changes(event: WebhookEvent) -> bool:
    return event.action == "submitted" and event.text("review", "state").lower() == "changes_requested"


def _edited_at(event: WebhookEvent) -> str:
    """Return when the review was edited; not every payload says that of the review itself."""
    return event.text("review", "updated_at") or event.text("pull_request", "updated_at")
