"""Whether a command was withdrawn before it was handled: its text is deleted, or a later /cancel was handled first.

Deliveries arrive in any order and up to three days late.
"""

from collections.abc import Mapping
from typing import Any

from functions.chatops.context import CommandContext
from functions.github.api.errors import Denied, NotFound
from functions.github.api.idempotent_writes import RepositoryCalls
from functions.github.api.reply_poster import ReplyPoster
from functions.github.commands.parse import Cancel, parse_comment
from functions.github.json_fields import dig_number, dig_text
from functions.github.webhook.decisions import CommandRequest
from functions.runs import requests


def why_withdrawn(
    calls: RepositoryCalls, context: CommandContext, replies: ReplyPoster, repository_id: int, request: CommandRequest
) -> str:
    """Return why the command is not to be run; empty if it is. Raises GithubError and ClusterError.

    `replies` has listed the comments of the issue.
    """
    if not request.written_at:
        return ""
    is_comment = "/comments/" in request.written_at
    number = int(request.written_at.rpartition("/")[2]) if is_comment else 0  # every comment is later than the issue
    is_listed = is_comment and any(dig_number(comment, "id") == number for comment in replies.last_listed)
    if not is_listed and not _exists(calls, request.written_at):
        return "its text was deleted"
    later = [comment for comment in replies.last_listed if dig_number(comment, "id") > number]
    if any(_was_handled(key, context, replies) for comment in later for key in _cancel_keys(comment, repository_id)):
        return "a later comment cancelled it"
    return ""


def _exists(calls: RepositoryCalls, path: str) -> bool:
    """Return whether the comment or issue exists; one that the App may not read does."""
    try:
        calls.get(path)
    except NotFound:
        return False
    except Denied:
        return True
    return True


def _cancel_keys(comment: Mapping[str, Any], repository_id: int) -> list[str]:
    """Return the keys of the /cancel commands in a comment (webhook/rules/comment.py)."""
    body = dig_text(comment, "body")
    if "/cancel" not in body.lower():
        return []
    prefix = f"{repository_id}/issues/comment/{dig_number(comment, 'id')}"
    return [f"{prefix}/{at}" for at, command in enumerate(parse_comment(body)) if isinstance(command, Cancel)]


def _was_handled(key: str, context: CommandContext, replies: ReplyPoster) -> bool:
    """Return whether a request was applied to a run or replied to, which takes the rights of its author."""
    return replies.has_reply_to(key) or any(requests.is_applied(run, key) for run in context.runs_here)
