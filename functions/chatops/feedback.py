"""Automatic retries after a review that asks for changes, or a failed check."""

import logging
from functools import partial

from functions.chatops import run_requests
from functions.cluster.errors import Invalid
from functions.github.api.errors import Denied, NotFound
from functions.github.api.sync import RepositoryCalls
from functions.github.commands.parse import MAX_INSTRUCTIONS_LENGTH
from functions.github.json_fields import dig_number, dig_text
from functions.github.markdown import sanitize
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived
from functions.runs import requests
from functions.runs.model.run import Run
from functions.runs.requests import RequestRefused
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")


def retry_after_feedback(
    deps: Dependencies, repository: RepositoryCalls, run: Run, request: CommandRequest, feedback: FeedbackReceived
) -> str:
    """Retry the run with the feedback in its prompt; return why it is not retried, or an empty string.

    Raises GithubError and ClusterError.
    """
    if _is_outdated(run, feedback):
        return f"run {run.name} has a newer commit than {feedback.commit}"
    line_comments = _line_comments(repository, request.number, feedback.review) if feedback.review else ""
    instructions = sanitize(feedback.description + line_comments, MAX_INSTRUCTIONS_LENGTH)
    limit = run.spec.max_retries if run.spec else None
    most = deps.settings.job.max_retries if limit is None else limit
    build_patch = partial(requests.automatic_retry, key=request.key, words=instructions, most=most)
    try:
        if run_requests.apply(deps, run, build_patch):
            log.info("retried because of a %s", feedback.source, extra={"run": run.key})
        return ""
    except (RequestRefused, Invalid) as refusal:
        log.info("not retried because of a %s: %s", feedback.source, refusal, extra={"run": run.key})
        return str(refusal)


def _is_outdated(run: Run, feedback: FeedbackReceived) -> bool:
    """Return whether the feedback is about an earlier commit of the run; a check may take long."""
    commits = [attempt.commit for attempt in run.status.attempts if attempt.commit]
    return bool(feedback.commit and commits and commits[-1] != feedback.commit)


def _line_comments(repository: RepositoryCalls, pull_request: int, review: int) -> str:
    """Return the review's comments on lines; empty if the App may not read them. Raises GithubError."""
    try:
        comments = list(repository.pages(f"pulls/{pull_request}/reviews/{review}/comments"))
    except (Denied, NotFound) as error:
        log.info("cannot read the comments of review %d: %s", review, error)
        return ""
    return "".join(f"\n\nOn {_place(item)}:\n{dig_text(item, 'body')}" for item in comments if dig_text(item, "body"))


def _place(comment: object) -> str:
    line = dig_number(comment, "line") or dig_number(comment, "original_line")
    return f"{dig_text(comment, 'path')}:{line}" if line else dig_text(comment, "path")
