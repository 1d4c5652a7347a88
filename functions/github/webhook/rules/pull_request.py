"""A pull request of a run's branch was opened, changed or closed: record its state."""

from collections.abc import Sequence
from typing import Literal

from functions.github.json_fields import dig
from functions.github.webhook.branches import is_from_run
from functions.github.webhook.decisions import PullRequestChanged
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("pull_request", "opened", "reopened", "synchronize", "closed")
def changed(event: WebhookEvent) -> Sequence[PullRequestChanged]:
    """Record the URL and state of a run's pull request."""
    pull_request = event.pull_request
    if not (pull_request and pull_request.url and is_from_run(pull_request)):
        return []
    return [PullRequestChanged(pull_request, _state(event))]


def _state(event: WebhookEvent) -> Literal["Open", "Merged", "Closed"]:
    if event.text("pull_request", "state") != "closed" and event.action != "closed":
        return "Open"
    return "Merged" if dig(event.data, "pull_request", "merged") is True else "Closed"
