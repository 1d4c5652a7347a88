"""The merge queue asks for checks: report our check, so that a branch protection rule can require it there too."""

from collections.abc import Sequence

from functions.github.webhook.branches import queued_pull_request
from functions.github.webhook.decisions import MergeGroupChecks
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("merge_group", "checks_requested")
def checks_requested(event: WebhookEvent) -> Sequence[MergeGroupChecks]:
    """Request our check on the commit that the queue tests for a pull request."""
    number = queued_pull_request(event.text("merge_group", "head_ref").removeprefix("refs/heads/"))
    commit = event.text("merge_group", "head_sha")
    return [MergeGroupChecks(number, commit)] if number and commit else []
