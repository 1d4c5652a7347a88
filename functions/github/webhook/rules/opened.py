"""An issue or pull request was opened, or its text edited: request the commands in it, or those that the edit adds.

An issue that was transferred is opened again, by its author or another person; its commands were handled where it was
written. A pull request of a run contains the agent's words, which are no commands.
"""

from collections.abc import Sequence

from functions.github.json_fields import dig
from functions.github.webhook.branches import is_from_run
from functions.github.webhook.decisions import CommandRequest, key, sort_key
from functions.github.webhook.edits import commands_of
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("issues", "opened", "edited")
@router.on("pull_request", "opened", "edited")
def opened(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the commands in the text of an issue or pull request."""
    kind, pull_request = event.name.removesuffix("s"), event.pull_request
    number = event.number(kind, "number")
    by_author = bool(event.sender) and event.text(kind, "user", "login") == event.sender
    was_transferred = bool(dig(event.data, "changes", "old_issue"))
    if event.by_bot or was_transferred or not (number and by_author) or (pull_request and is_from_run(pull_request)):
        return []
    edit = event.text(kind, "updated_at") if event.action == "edited" else ""
    return [
        CommandRequest(
            key=key(event, "issues", number, "opened", ordinal),
            trigger=command,
            number=number,
            login=event.sender,
            url=event.text(kind, "html_url"),
            on_pull_request=pull_request is not None,
            pull_request=pull_request,
            written_at=f"issues/{number}",
            edit=edit,
            sort_key=sort_key(edit or event.text(kind, "created_at"), ordinal=ordinal),
        )
        for ordinal, command in commands_of(event, event.text(kind, "body"))
    ]
