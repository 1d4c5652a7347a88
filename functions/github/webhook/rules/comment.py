"""A comment on an issue, a pull request or its lines: commands in it are run when it is written.

Not when it is edited, since nobody would see which version was run; and there is nothing to undo when it is deleted.
"""

from collections.abc import Sequence

from functions.github.commands import parse
from functions.github.webhook.decisions import CommandRequest, key, sort_key
from functions.github.webhook.event import WebhookEvent, dig
from functions.github.webhook.rules.routing import Router

router = Router()


@router.on("issue_comment", "created")
def on_issue(happening: WebhookEvent) -> Sequence[CommandRequest]:
    """Commands in a comment on an issue, or on a pull request as a whole."""
    on_pull = bool(dig(happening.data, "issue", "pull_request"))
    return _asks(happening, happening.number("issue", "number"), "issues", on_pull=on_pull)


@router.on("pull_request_review_comment", "created")
def on_lines(happening: WebhookEvent) -> Sequence[CommandRequest]:
    """Commands in a comment on lines of a pull request."""
    return _asks(happening, happening.number("pull_request", "number"), "pulls", on_pull=True)


def _asks(happening: WebhookEvent, number: int, place: str, *, on_pull: bool) -> list[CommandRequest]:
    comment = happening.number("comment", "id")
    if happening.by_machine or not (comment and number):
        return []
    return [
        CommandRequest(
            key=key(happening, place, "comment", comment, ordinal),
            what=command,
            number=number,
            login=happening.sender,
            url=happening.text("comment", "html_url"),
            on_pull=on_pull,
            pull=happening.pull,
            reactions=f"{place}/comments/{comment}/reactions",
            moment=sort_key(happening.text("comment", "created_at"), comment, ordinal),
        )
        for ordinal, command in enumerate(parse.find(happening.text("comment", "body")))
    ]
