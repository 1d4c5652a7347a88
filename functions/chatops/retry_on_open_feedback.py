"""Looks up open feedback at the end of an attempt during which feedback arrived.

Feedback that arrives during an attempt is only marked on the run: what is open at the end is a state that GitHub has.
"""

import logging
from functools import partial

from functions.chatops.context import app_in, read_configuration
from functions.chatops.feedback import retry_after_attempt
from functions.chatops.feedback_lookup import FeedbackLookup, branch_head, pull_request_number
from functions.chatops.permission import may_write
from functions.chatops.run_requests import repository_of
from functions.cluster.errors import NotFound
from functions.github.api.client import Github
from functions.github.api.errors import Busy, GithubError
from functions.github.api.recent_event import RecentEventCalls
from functions.github.api.reply_poster import ReplyPoster
from functions.github.commands import replies
from functions.github.commands.configuration import Configuration
from functions.runs import waiting_feedback
from functions.runs.model import origin
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")


def retry_if_feedback_is_open(deps: Dependencies, run: Run) -> None:
    """Retry the run, as just read, if feedback arrived during its attempt and is still open.

    Raises Busy and ClusterError; a repeated call continues. Other errors of GitHub are logged.
    """
    if not (deps.github and waiting_feedback.is_due(run)):
        return
    try:
        _look_up(deps, deps.github, run)
    except Busy:
        raise
    except GithubError as error:
        log.warning("cannot look up feedback: %s", error, extra={"run": run.key})
    try:
        deps.runs.patch(run, waiting_feedback.CLEAR)
    except NotFound:
        log.info("the run was deleted", extra={"run": run.key})


def _look_up(deps: Dependencies, github: Github, run: Run) -> None:
    name, repository = repository_of(deps, run)
    if not repository:
        return
    calls = github.repository(name, repository)
    configuration = read_configuration(calls)
    if not isinstance(configuration, Configuration) or not configuration.retry_on:
        return
    ended = run.status.succeeded
    recent = RecentEventCalls(calls, ended.last_transition_time if ended else None, deps.clock)
    permitted = partial(may_write, deps, calls)  # final answers: a merge may delete the branch, a reviewer be gone
    lookup = FeedbackLookup(recent, repository, configuration.retry_on, permitted, partial(app_in, github))
    refusal = retry_after_attempt(deps, lookup, run, branch_head(calls, run.status.branch or ""))
    source = origin.from_object(run.raw)
    number = pull_request_number(run) or (source.number if source else 0)
    if refusal and number:
        key = f"{repository}/run/{run.uid}/feedback"
        app = str(deps.settings.github.app_id)
        poster = ReplyPoster(calls, number, key, app, deps.clock())
        poster.post_once(replies.refused(refusal))
