"""A run's branch was deleted: this is only logged. The run keeps its branch name, and a retry creates the branch."""

from collections.abc import Sequence

from functions.github.webhook.branches import run_name
from functions.github.webhook.decisions import LogOnly
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("delete")
def deleted(event: WebhookEvent) -> Sequence[LogOnly]:
    """Log that a run's branch was deleted."""
    branch = event.text("ref")
    if event.text("ref_type") != "branch" or not run_name(branch):
        return []
    return [LogOnly(f"branch {branch} was deleted in {event.repository}")]
