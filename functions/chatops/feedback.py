"""Automatic retries: one retry names all open feedback on a run's work, at most maxRetries times.

Two events lead here: a check, a status or a review that arrives, and the end of an attempt, because feedback may have
arrived while the attempt was working.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from functions.chatops import run_requests
from functions.chatops.feedback_lookup import FeedbackLookup
from functions.cluster.errors import Invalid
from functions.github.commands.parse import MAX_INSTRUCTIONS_LENGTH
from functions.github.markdown import fenced_block, sanitize
from functions.github.reports import feedback as texts
from functions.github.reports.feedback import Feedback
from functions.github.webhook.branches import queued_pull_request
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived
from functions.runs import requests, waiting_feedback
from functions.runs.lifecycle import states
from functions.runs.model.run import Run
from functions.runs.requests import Patch, RequestRefused
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")

MAX_ITEMS = 15
"""Feedback named in one retry; fewer than the keys that a run remembers (runs/requests.py)."""

_IN_MERGE_QUEUE = "Your pull request failed in the merge queue, which tests it merged with its base branch."

MAX_ITEM_LENGTH = 10_000
"""Characters of one of several items, so that each of them reaches the prompt."""


def retry_after_event(
    deps: Dependencies, lookup: FeedbackLookup, run: Run, request: CommandRequest, received: FeedbackReceived
) -> str:
    """Retry a run at rest because of feedback that arrived; return why it is not retried, or an empty string.

    Feedback that arrives during an attempt is looked up at its end. Raises GithubError and ClusterError.
    """
    if states.state(run.status) not in states.FINISHED or (run.retry_wanted and not run.cancel):
        log.info("a %s waits for the end of the attempt", received.source, extra={"run": run.key})
        if not waiting_feedback.is_marked(run):
            deps.runs.patch(run, waiting_feedback.MARK)
        return ""
    commits = [attempt.commit for attempt in run.status.attempts if attempt.commit]
    head = lookup.head(run.status.branch or "") or (commits[-1] if commits else "")
    in_merge_queue = bool(queued_pull_request(received.branch))  # its commits are merges of the branch
    is_outdated = received.commit and received.commit not in (head, *commits[-1:]) and (head or commits)
    if is_outdated and not in_merge_queue:
        return f"run {run.name} has a newer commit than {received.commit}"
    listed = lookup.listed(run, received.commit or head)  # with annotations and line comments, which an event lacks
    items = [item.feedback for item in listed if item.feedback]
    is_superseded = any(item.supersedes(received) for item in listed)
    if not is_superseded and request.key not in [item.key for item in items]:
        items.insert(0, _received(lookup, request, received))
    if not items:
        log.info("a %s is not open any more", received.source, extra={"run": run.key})
        return ""
    if in_merge_queue:
        items[0] = replace(items[0], description=f"{_IN_MERGE_QUEUE}\n\n{items[0].description}")
    return _retry(deps, run, items, received.source)


def retry_after_attempt(deps: Dependencies, lookup: FeedbackLookup, run: Run, head: str) -> str:
    """Retry a finished run if there is open feedback on its branch's last commit; return why it is not retried."""
    listed = lookup.listed(run, head)
    items = [item.feedback for item in listed if item.feedback]
    return _retry(deps, run, items, "feedback") if items else ""


def _retry(deps: Dependencies, run: Run, items: Sequence[Feedback], source: str) -> str:
    limit = run.spec.max_retries if run.spec else None
    most = deps.settings.job.max_retries if limit is None else limit

    def build_patch(run: Run) -> Patch | None:
        new = [item for item in items if not requests.is_applied(run, item.key)][:MAX_ITEMS]
        if not new:
            return None
        commands = [key for item in new for key in item.commands][: requests.KEPT - MAX_ITEMS]
        keys = [*(item.key for item in new), *commands]
        return requests.automatic_retry(run, key=keys[0], more_keys=keys[1:], words=_compose(new), most=most)

    try:
        if run_requests.apply(deps, run, build_patch):
            log.info("retried because of a %s", source, extra={"run": run.key})
        return ""
    except (RequestRefused, Invalid) as refusal:
        log.info("not retried because of a %s: %s", source, refusal, extra={"run": run.key})
        return str(refusal)


def _compose(items: Sequence[Feedback]) -> str:
    share = max(MAX_INSTRUCTIONS_LENGTH // len(items) - 10, 1000)
    length = MAX_INSTRUCTIONS_LENGTH if len(items) == 1 else min(share, MAX_ITEM_LENGTH)
    return sanitize("\n\n".join(_shorten(item, length) for item in items), MAX_INSTRUCTIONS_LENGTH)


def _shorten(item: Feedback, length: int) -> str:
    """Return an item in at most that many characters: the beginning of its description and the end of its log."""
    if not item.log:
        return sanitize(item.description, length)
    block = fenced_block(item.log[-length // 2 :], length // 2)
    log_end = f"\n\nThe end of its log:\n\n{block}"
    return sanitize(item.description, length - len(log_end)) + log_end


def _received(lookup: FeedbackLookup, request: CommandRequest, received: FeedbackReceived) -> Feedback:
    """Return the feedback of an event, of a review with its comments on lines."""
    if received.source != "review":
        return Feedback(request.key, received.description)
    comments = [item for item in lookup.line_comments(request.number, received.number) if item.get("body")]
    lines = "".join(f"\n\n{texts.describe_comment(item)}" for item in comments)
    return Feedback(request.key, received.description + lines, commands=lookup.retries_in(comments))
