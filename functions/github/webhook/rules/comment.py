"""A comment on an issue, a pull request or its lines: request the commands in it."""

from collections.abc import Sequence

from functions.github.commands import parse
from functions.github.json_fields import dig
from functions.github.webhook.decisions import CommandRequest, key, sort_key
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("issue_comment", "created")
def on_issue(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the commands in a comment on an issue, or on a pull request as a whole."""
    on_pull_request = bool(dig(event.data, "issue", "pull_request"))
    return _requests(event, event.number("issue", "number"), "issues", on_pull_request=on_pull_request)


@router.on("pull_request_review_comment", "created")
def on_lines(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request the commands in a comment on lines of a pull request."""
    return _requests(event, event.number("pull_request", "number"), "pulls", on_pull_request=True)


def _requests(event: WebhookEvent, number: int, collection: str, *, on_pull_request: bool) -> list[CommandRequest]:
    comment = event.number("comment", "id")
    if event.by_bot or not (comment and number):
        return []
    return [
        CommandRequest(
            key=key(event, collection, "comment", comment, ordinal),
            trigger=command,
            number=number,
            login=event.sender,
            url=event.text("comment", "html_url"),
            on_pull_request=on_pull_request,
            pull_request=event.pull_request,
            reactions_path=f"{collection}/comments/{comment}/reactions",
            sort_key=sort_key(event.text("comment", "created_at"), comment, ordinal),
        )
        for ordinal, command in enumerate(parse.parse_comment(event.text("comment", "body")))
    ]
