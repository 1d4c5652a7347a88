"""A label was added to an issue or pull request: `labels` of the configuration may map it to a command."""

from collections.abc import Sequence

from functions.github.webhook.decisions import CommandRequest
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.mapping import mapping_requests
from functions.github.webhook.routing import Router

router = Router()


@router.on("issues", "labeled")
@router.on("pull_request", "labeled")
def labeled(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the command that the label is mapped to."""
    return mapping_requests(event, "labels", event.text("label", "name"))
