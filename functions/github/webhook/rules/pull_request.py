"""A pull request of an agent's branch was opened, changed or closed: its run is told."""

from collections.abc import Sequence
from typing import Literal

from functions.github.webhook.branches import is_ours
from functions.github.webhook.decisions import PullRequestChanged
from functions.github.webhook.event import WebhookEvent, dig
from functions.github.webhook.rules.routing import Router

router = Router()


@router.on("pull_request", "opened", "reopened", "synchronize", "closed")
def changed(happening: WebhookEvent) -> Sequence[PullRequestChanged]:
    """Where the run's pull request is, and what became of it."""
    pull = happening.pull
    return [PullRequestChanged(pull, _state(happening))] if pull and pull.url and is_ours(pull) else []


def _state(happening: WebhookEvent) -> Literal["Open", "Merged", "Closed"]:
    if happening.text("pull_request", "state") != "closed" and happening.action != "closed":
        return "Open"
    return "Merged" if dig(happening.data, "pull_request", "merged") is True else "Closed"
