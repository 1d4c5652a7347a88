"""A review or a failed check has a run tried again by itself: when it may be, and what the agent is told."""

import logging
from functools import partial

from functions.chatops import run_requests
from functions.cluster.errors import Invalid
from functions.github.api.client import Repository
from functions.github.api.errors import Denied, NotFound
from functions.github.commands.parse import LONGEST_WORDS
from functions.github.markdown import shown
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived
from functions.github.webhook.event import dig_number, dig_text
from functions.runs import requests
from functions.runs.model.run import Run
from functions.runs.requests import RequestRefused
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")


def retry_after_feedback(
    services: Dependencies, repository: Repository, run: Run, ask: CommandRequest, found: FeedbackReceived
) -> str:
    """Why it was not tried again, in words; empty where it was, or will be. Raises GithubError, ClusterError."""
    if _is_of_older_work(run, found):
        return f"run {run.name} has gone beyond commit {found.commit}"
    words = found.words + (_on_lines(repository, ask.number, found.review) if found.review else "")
    limit = run.spec.max_retries if run.spec else None
    most = services.settings.job.max_retries if limit is None else limit
    again = partial(requests.automatic_retry, key=ask.key, words=shown(words, LONGEST_WORDS), most=most)
    try:
        if run_requests.apply(services, run, again):
            log.info("tried again because of a %s", found.source, extra={"run": run.key})
        return ""
    except (RequestRefused, Invalid) as refused:
        log.info("not tried again because of a %s: %s", found.source, refused, extra={"run": run.key})
        return str(refused)


def _is_of_older_work(run: Run, found: FeedbackReceived) -> bool:
    """A check may end long after the commit that it looked at was followed by another one."""
    commits = [attempt.commit for attempt in run.status.attempts if attempt.commit]
    return bool(found.commit and commits and commits[-1] != found.commit)


def _on_lines(repository: Repository, pull: int, review: int) -> str:
    """What the review says on lines; where it cannot be read, its text alone has to do. Raises GithubError."""
    try:
        comments = list(repository.pages(f"pulls/{pull}/reviews/{review}/comments"))
    except (Denied, NotFound) as error:
        log.info("the comments of review %d cannot be read: %s", review, error)
        return ""
    return "".join(f"\n\nOn {_where(each)}:\n{dig_text(each, 'body')}" for each in comments if dig_text(each, "body"))


def _where(comment: object) -> str:
    line = dig_number(comment, "line") or dig_number(comment, "original_line")
    return f"{dig_text(comment, 'path')}:{line}" if line else dig_text(comment, "path")
