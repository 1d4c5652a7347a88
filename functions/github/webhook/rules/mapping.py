"""What labels and assignment have in common: the repository's configuration may have a command for them.

They have no id of their own. An issue's time of change is the same in every delivery of one change, by whatever hook
it comes; where it is missing, the delivery's id has to do.
"""

from typing import Literal

from functions.github.webhook.decisions import CommandRequest, MappingTriggered, key, sort_key
from functions.github.webhook.event import WebhookEvent


def asks(happening: WebhookEvent, by: Literal["labels", "assignees"], name: str) -> list[CommandRequest]:
    """What is asked for by putting that label on, or by assigning that person."""
    kind = "pull_request" if happening.event == "pull_request" else "issue"
    number = happening.number(kind, "number")
    if happening.by_machine or not (name and number):
        return []
    changed = happening.text(kind, "updated_at")
    return [
        CommandRequest(
            key=key(happening, "issues", number, by, name.casefold(), changed or happening.delivery),
            what=MappingTriggered(by, name, happening.text(kind, "title")),
            number=number,
            login=happening.sender,
            url=happening.text(kind, "html_url"),
            on_pull=kind == "pull_request",
            pull=happening.pull,
            moment=sort_key(changed),
        )
    ]
