"""A comment on an issue, a pull request or its lines: request the commands in it.

An edit requests the commands that it adds or changes, made at that time. What was done for a command before has its
key and is not done twice, but the reply to a mistake that the edit corrects does not count as done. Somebody else's
edit requests nothing: the words are the author's, who may have no write access. A comment on lines may be created as a
draft: the command in it was made when its review was submitted, which updated it.
"""

from collections.abc import Sequence
from dataclasses import replace

from functions.github.commands import parse
from functions.github.json_fields import dig
from functions.github.reports.feedback import describe_place
from functions.github.webhook.decisions import CommandRequest, key, sort_key
from functions.github.webhook.edits import commands_of
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("issue_comment", "created", "edited")
def on_issue(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the commands in a comment on an issue, or on a pull request as a whole."""
    on_pull_request = bool(dig(event.data, "issue", "pull_request"))
    return _requests(event, event.number("issue", "number"), "issues", on_pull_request=on_pull_request)


@router.on("pull_request_review_comment", "created", "edited")
def on_lines(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the commands in a comment on lines of a pull request."""
    return _requests(event, event.number("pull_request", "number"), "pulls", on_pull_request=True)


def _with_place(command: parse.Command, event: WebhookEvent) -> parse.Command:
    """Return a retry with the file, line and diff that the comment is about; another command unchanged."""
    if not isinstance(command, parse.Retry):
        return command
    place = describe_place(event.data.get("comment") or {})
    return replace(command, instructions="\n\n".join(part for part in (place, command.instructions) if part))


def _requests(event: WebhookEvent, number: int, collection: str, *, on_pull_request: bool) -> list[CommandRequest]:
    comment = event.number("comment", "id")
    by_another = event.action == "edited" and event.sender != event.text("comment", "user", "login")
    if event.by_bot or by_another or not (comment and number):
        return []
    created, updated = event.text("comment", "created_at"), event.text("comment", "updated_at")
    return [
        CommandRequest(
            key=key(event, collection, "comment", comment, ordinal),
            trigger=_with_place(command, event) if collection == "pulls" else command,
            number=number,
            login=event.sender,
            url=event.text("comment", "html_url"),
            on_pull_request=on_pull_request,
            pull_request=event.pull_request,
            edit=updated if event.action == "edited" else "",
            written_at=f"{collection}/comments/{comment}",
            sort_key=sort_key(updated or created, comment, ordinal),
        )
        for ordinal, command in commands_of(event, event.text("comment", "body"))
    ]
