"""A user was assigned: `assignees` of the repository's configuration may map the login to a command."""

from collections.abc import Sequence

from functions.github.webhook.decisions import CommandRequest
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.mapping import mapping_requests
from functions.github.webhook.routing import Router

router = Router()


@router.on("issues", "assigned")
@router.on("pull_request", "assigned")
def assigned(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the command that the assignment is mapped to."""
    return mapping_requests(event, "assignees", event.text("assignee", "login"))
