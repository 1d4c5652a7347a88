"""An issue or pull request was closed: cancel its runs if the repository configures `cancelOnClose`."""

from collections.abc import Sequence

from functions.github.webhook.decisions import Closed, CommandRequest, key, sort_key
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("issues", "closed")
@router.on("pull_request", "closed")
def closed(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request that the runs of an issue or pull request are cancelled."""
    kind = "pull_request" if event.name == "pull_request" else "issue"
    number = event.number(kind, "number")
    closed_at = event.text(kind, "updated_at") or event.delivery
    if not number:
        return []
    return [
        CommandRequest(
            key=key(event, "issues", number, "closed", closed_at),
            trigger=Closed(),
            number=number,
            url=event.text(kind, "html_url"),
            on_pull_request=kind == "pull_request",
            pull_request=event.pull_request,
            sort_key=sort_key(event.text(kind, "closed_at") or closed_at),
        )
    ]
