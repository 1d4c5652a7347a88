"""Somebody was assigned: `assignees` of the repository's configuration may have a command for that login."""

from collections.abc import Sequence

from functions.github.webhook.decisions import CommandRequest
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.rules import mapping
from functions.github.webhook.rules.routing import Router

router = Router()


@router.on("issues", "assigned")
@router.on("pull_request", "assigned")
def assigned(happening: WebhookEvent) -> Sequence[CommandRequest]:
    """What the assignment asks for, if it is mapped."""
    return mapping.asks(happening, "assignees", happening.text("assignee", "login"))
