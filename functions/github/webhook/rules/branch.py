"""A run's branch was deleted: worth knowing, and nothing to do. The run keeps its name, and a retry makes it anew."""

from collections.abc import Sequence

from functions.github.webhook.branches import run_name
from functions.github.webhook.decisions import LogOnly
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.rules.routing import Router

router = Router()


@router.on("delete")
def deleted(happening: WebhookEvent) -> Sequence[LogOnly]:
    """A line in the log."""
    branch = happening.text("ref")
    if happening.text("ref_type") != "branch" or not run_name(branch):
        return []
    return [LogOnly(f"the branch {branch} was deleted in {happening.repository}")]
