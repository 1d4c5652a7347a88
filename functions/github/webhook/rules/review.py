"""A review of a pull request: commands in its text, else, where it asks for changes to ours, another attempt."""

from collections.abc import Sequence

from functions.github.commands import parse
from functions.github.markdown import shown
from functions.github.webhook.branches import is_ours
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, key, sort_key
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.rules.routing import Router

router = Router()


@router.on("pull_request_review", "submitted")
def submitted(happening: WebhookEvent) -> Sequence[CommandRequest]:
    """What the review asks for."""
    review, pull = happening.number("review", "id"), happening.pull
    if happening.by_machine or not review or not pull:
        return []
    wanted: Sequence[parse.Command | FeedbackReceived] = parse.find(happening.text("review", "body"))
    if not wanted and happening.text("review", "state").lower() == "changes_requested" and is_ours(pull):
        wanted = [FeedbackReceived("review", _words(happening), pull.head, review=review)]
    return [
        CommandRequest(
            key=key(happening, "review", review, ordinal),
            what=each,
            number=pull.number,
            login=happening.sender,
            url=happening.text("review", "html_url"),
            on_pull=True,
            pull=pull,
            moment=sort_key(happening.text("review", "submitted_at"), review, ordinal),
        )
        for ordinal, each in enumerate(wanted)
    ]


def _words(happening: WebhookEvent) -> str:
    text = shown(happening.text("review", "body").strip(), parse.LONGEST_WORDS)
    return f"A review of your pull request, by {happening.sender}, asks for changes.\n\n{text}".strip()
