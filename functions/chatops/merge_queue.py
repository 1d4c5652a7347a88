"""Our check in the merge queue: that of the pull request, on the commit that the queue tests.

The queue tests a merge of the pull request with its base branch and those before it. Of the run there is nothing new
to check; without a check on that commit, a rule that requires ours would keep the pull request in the queue for ever.
"""

import logging

from functions.github.api import responses
from functions.github.api.client import Github
from functions.github.api.errors import NotFound, Rejected
from functions.github.api.idempotent_writes import carry_over_check
from functions.github.api.recent_event import RecentEventCalls
from functions.github.content_budget import Share
from functions.github.webhook.decisions import MergeGroupChecks
from functions.github.webhook.event import WebhookEvent
from functions.serving.dependencies import Dependencies
from functions.storage import content_budget

log = logging.getLogger("orchestrator")


def report_check(deps: Dependencies, github: Github, event: WebhookEvent, requested: MergeGroupChecks) -> None:
    """Report our check of the pull request's last commit on the commit of the merge group, if there is one.

    Raises GithubError and ClusterError; a repeated call continues.
    """
    repository = github.repository(event.repository, event.repository_id)
    calls = RecentEventCalls(repository, event.time, deps.clock)
    path = f"pulls/{requested.pull_request}"
    try:
        last_commit = responses.text(calls.get(path), f"GET {path}", "head", "sha")
        content_budget.reserve(deps.config_maps, 1, Share.END, deps.clock())  # counted, and written in any case
        carry_over_check(calls, last_commit, requested.commit, str(deps.settings.github.app_id))
    except (NotFound, Rejected) as error:
        log.warning("no check in the merge queue: %s", error, extra={"event": event.delivery})
