"""A label was put on an issue or pull request: `labels` in the configuration may have a command for it."""

from collections.abc import Sequence

from functions.github.webhook.decisions import CommandRequest
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.rules import mapping
from functions.github.webhook.rules.routing import Router

router = Router()


@router.on("issues", "labeled")
@router.on("pull_request", "labeled")
def labeled(happening: WebhookEvent) -> Sequence[CommandRequest]:
    """What the label asks for, if it is mapped."""
    return mapping.asks(happening, "labels", happening.text("label", "name"))
