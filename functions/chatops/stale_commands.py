"""Whether a command was withdrawn before it was handled.

Its text is deleted or edited, a later /cancel was handled first, or the issue was closed since, which cancels its runs.
Deliveries arrive in any order and up to three days late.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from functions.chatops.context import CommandContext
from functions.chatops.feedback_lookup import UNREADABLE
from functions.github.api.errors import Denied, NotFound
from functions.github.api.idempotent_writes import RepositoryCalls
from functions.github.api.reply_poster import ReplyPoster
from functions.github.commands.configuration import Configuration
from functions.github.commands.parse import Cancel, Retry, parse_comment
from functions.github.json_fields import dig_number, dig_text
from functions.github.webhook.decisions import CommandRequest, cancel_key, sort_key
from functions.github.webhook.event import WebhookEvent
from functions.runs import requests

log = logging.getLogger("orchestrator")


def why_stale(
    calls: RepositoryCalls, context: CommandContext, replies: ReplyPoster, event: WebhookEvent, request: CommandRequest
) -> str:
    """Return why the command is not to be run; empty if it is. Raises GithubError and ClusterError.

    `replies` has listed the comments of the issue.
    """
    reason = _why_text_is_gone(calls, context, replies, event, request) if request.written_at else ""
    if reason or not request.sort_key:
        return reason
    written = [("issues/comment", each) for each in replies.last_listed]
    if request.on_pull_request:
        written += _reviews_and_line_comments(calls, request)
    cancels = [cancel for kind, each in written for cancel in _cancels(kind, each, event.repository_id, context)]
    if any(_was_handled(key, context, replies) for key, place in cancels if place > request.sort_key):
        return "a later comment cancelled it"
    return "the issue was closed since" if _was_closed_since(context, request) else ""


def _why_text_is_gone(
    calls: RepositoryCalls, context: CommandContext, replies: ReplyPoster, event: WebhookEvent, request: CommandRequest
) -> str:
    """Return why what contains the request does not contain it any more; a text that may not be read does."""
    number = int(request.written_at.rpartition("/")[2])
    present = next((item for item in replies.last_listed if dig_number(item, "id") == number), None)
    if present is None or not request.written_at.startswith("issues/comments/"):
        try:
            present = calls.get(request.written_at)
        except NotFound:
            return "its text was deleted"
        except Denied:
            return ""
    written = request.edit or event.text("comment", "created_at") or event.text("issue", "created_at")
    if dig_text(present, "updated_at") <= written:
        return ""
    body = dig_text(present, "body")
    return "" if _contains(body, request, context.app_in(body)) else "its text was edited since"


def _contains(body: str, request: CommandRequest, app: str) -> bool:
    """Return whether a text has the command at the same place; of a retry the words may differ."""
    commands, ordinal = parse_comment(body, app), int(request.key.rpartition("/")[2])
    if ordinal >= len(commands):
        return False
    present, asked = commands[ordinal], request.trigger
    return present == asked or (isinstance(present, Retry) and isinstance(asked, Retry))


def _was_closed_since(context: CommandContext, request: CommandRequest) -> bool:
    """Return whether closing the issue cancels its runs, and it was closed after the request."""
    configuration = context.configuration
    if not (isinstance(configuration, Configuration) and configuration.cancel_on_close):
        return False
    issue = context.issue
    return dig_text(issue, "state") == "closed" and sort_key(dig_text(issue, "closed_at")) > request.sort_key


def _reviews_and_line_comments(calls: RepositoryCalls, request: CommandRequest) -> Iterator[tuple[str, Any]]:
    """Yield each review of the pull request and comment on its lines, with its kind; none that may not be read."""
    since = request.sort_key.partition(" ")[0]
    lists: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("pulls/comment", f"pulls/{request.number}/comments", {"since": since}),
        ("review", f"pulls/{request.number}/reviews", {}),
    )
    for kind, path, query in lists:
        try:
            for each in calls.pages(path, **query):
                yield kind, each
        except UNREADABLE as error:
            log.info("cannot read %s: %s", path, error)


def _cancels(
    kind: str, written: Mapping[str, Any], repository_id: int, context: CommandContext
) -> Iterator[tuple[str, str]]:
    """Yield key (webhook/rules) and sort key of each /cancel in a comment or review."""
    body, number = dig_text(written, "body"), dig_number(written, "id")
    if "cancel" not in body.lower():
        return
    for at, command in enumerate(parse_comment(body, context.app_in(body))):
        if isinstance(command, Cancel):
            made = dig_text(written, "created_at") or dig_text(written, "submitted_at")
            yield f"{repository_id}/{kind}/{number}/{at}", sort_key(made, number, at)


def _was_handled(key: str, context: CommandContext, replies: ReplyPoster) -> bool:
    """Return whether a /cancel was applied to a run or replied to, which takes the rights of its author."""
    return replies.has_reply_to(key) or any(requests.is_applied(run, cancel_key(key)) for run in context.runs_here)
