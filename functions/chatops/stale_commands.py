"""Whether a command was withdrawn before it was handled.

Its text is deleted or edited, a later /cancel was handled first, or the issue was closed since, which cancels its runs.
Deliveries arrive in any order and up to three days late. A /cancel that was handled left its time: on the run that it
was applied to, else in the reply.
"""

from functions.chatops.context import CommandContext
from functions.github.api.errors import Denied, NotFound
from functions.github.api.reply_poster import ReplyPoster
from functions.github.api.repository_calls import RepositoryCalls
from functions.github.commands.configuration import Configuration
from functions.github.commands.parse import Retry, parse_comment
from functions.github.json_fields import dig_number, dig_text
from functions.github.webhook.decisions import CommandRequest, sort_key
from functions.github.webhook.event import WebhookEvent
from functions.runs import requests


def why_stale(
    calls: RepositoryCalls, context: CommandContext, replies: ReplyPoster, event: WebhookEvent, request: CommandRequest
) -> str:
    """Return why the command is not to be run; empty if it is. Raises GithubError and ClusterError.

    `replies` has listed the comments of the issue.
    """
    reason = _why_text_is_gone(calls, context, replies, event, request) if request.written_at else ""
    if reason or not request.sort_key:
        return reason
    cancelled = [requests.cancelled_on(run, request.number) for run in context.runs_here]
    if max([replies.last_cancel(), *cancelled]) > request.sort_key:
        return "a later /cancel withdrew it"
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
    """Return whether a text has the command, at any place; of a retry the words may differ."""
    commands, asked = parse_comment(body, app), request.trigger
    return asked in commands or (isinstance(asked, Retry) and any(isinstance(command, Retry) for command in commands))


def _was_closed_since(context: CommandContext, request: CommandRequest) -> bool:
    """Return whether closing the issue cancels its runs, and it was closed after the request."""
    configuration = context.configuration
    if not (isinstance(configuration, Configuration) and configuration.cancel_on_close):
        return False
    issue = context.issue
    return dig_text(issue, "state") == "closed" and sort_key(dig_text(issue, "closed_at")) > request.sort_key
