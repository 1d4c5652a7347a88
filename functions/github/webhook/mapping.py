"""Shared by the rules for labels and assignments: the repository's configuration can map either to a command.

A label or an assignment has no id of its own. Its key uses the issue's `updated_at`, which is equal in every delivery
of one change; if it is missing, the delivery's id.
"""

from typing import Literal

from functions.github.webhook.decisions import CommandRequest, MappingTriggered, key, sort_key
from functions.github.webhook.event import WebhookEvent


def mapping_requests(event: WebhookEvent, by: Literal["labels", "assignees"], name: str) -> list[CommandRequest]:
    """Return the request of adding that label or assigning that user; none if a bot did it."""
    kind = "pull_request" if event.name == "pull_request" else "issue"
    number = event.number(kind, "number")
    if event.by_bot or not (name and number):
        return []
    updated_at = event.text(kind, "updated_at")
    return [
        CommandRequest(
            key=key(event, "issues", number, by, name.casefold(), updated_at or event.delivery),
            trigger=MappingTriggered(by, name, event.text(kind, "title")),
            number=number,
            login=event.sender,
            url=event.text(kind, "html_url"),
            on_pull_request=kind == "pull_request",
            pull_request=event.pull_request,
            sort_key=sort_key(updated_at),
        )
    ]
