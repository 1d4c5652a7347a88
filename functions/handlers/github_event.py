"""The github_event function: does what a delivery of GitHub asks for.

Rules decide from the event alone; most events lead to no decision and to no call. A request requires write access,
otherwise nothing is done and nothing is replied. What is done carries the key of what happened, so that an event may
arrive any number of times, from any number of webhooks.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from functions.chatops import checks, merge_queue, run_requests
from functions.chatops.command_handler import CommandHandler
from functions.chatops.context import app_in
from functions.events.event import GITHUB_EVENT, Event, MalformedError
from functions.github.api import responses
from functions.github.api.client import Github
from functions.github.api.errors import NotFound, Rejected
from functions.github.webhook.decisions import (
    ChecksChanged,
    CommandRequest,
    Decision,
    InvalidateTokens,
    LogOnly,
    MergeGroupChecks,
    PullRequestChanged,
)
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.rules import router
from functions.runs.model.pull_request import State
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Refused, Request
from functions.serving.watch_events import ignored
from functions.telemetry.context import bind_event

log = logging.getLogger("orchestrator")

WRITTEN = ("comment", "review", "issue", "pull_request")
"""Parts of a payload with a body; of several, the event is about the first."""


def handle(deps: Dependencies, request: Request) -> Answer:
    """Handle a delivery; acknowledge once everything that the rules decided is done.

    Raises:
        MalformedError: the request is not an event.
        Refused: 403 if no App is configured, which people can change.
        GithubError, ClusterError: some of it may be done; the redelivered event does the rest.
    """
    event = bind_event(request.received.event())
    if not event.type.startswith(GITHUB_EVENT):
        return ignored(event)
    webhook_event = _parse(event, deps.settings.github.bots)
    if deps.github:
        webhook_event = replace(webhook_event, app=app_in(deps.github, _body(webhook_event)))
    decisions = router.decide(webhook_event)
    if not decisions:
        return ACKNOWLEDGED
    if deps.github is None:
        raise Refused(403, "github.app_id and github.private_key: are required to call GitHub; set both")
    for decision in decisions:
        _execute(deps, deps.github, webhook_event, decision)
    return ACKNOWLEDGED


def _parse(event: Event, bots: Sequence[str]) -> WebhookEvent:
    if not isinstance(event.data, dict):
        raise MalformedError(("data", "must be a JSON object: the filtered payload of a delivery"))
    name = event.type.removeprefix(GITHUB_EVENT).partition(".")[0]
    action = event.data.get("action")
    return WebhookEvent(name, action if isinstance(action, str) else "", event.id, event.data, bots)


def _body(event: WebhookEvent) -> str:
    """Return what a person wrote, which may contain commands."""
    return next(filter(None, (event.text(part, "body") for part in WRITTEN)), "")


def _execute(deps: Dependencies, github: Github, event: WebhookEvent, decision: Decision) -> None:
    """Execute a decision, once per key. Raises GithubError, ClusterError."""
    match decision:
        case LogOnly(message):
            log.info("%s", message, extra={"event": event.delivery})
        case InvalidateTokens(message, repositories):
            log.info("%s", message, extra={"event": event.delivery})
            for name in repositories or ("",):
                github.forget_tokens(name)
        case PullRequestChanged() if event.repository:
            _record_pull_request(deps, github, event, decision)
        case ChecksChanged() if event.repository:
            checks.record_checks(deps, github, event, decision)
        case MergeGroupChecks() if event.repository:
            merge_queue.report_check(deps, github, event, decision)
        case CommandRequest() if event.repository and event.repository_id:
            CommandHandler(deps, github, event, decision).handle()
        case _:
            log.warning("ignored: the delivery names no repository", extra={"event": event.delivery})


def _record_pull_request(deps: Dependencies, github: Github, event: WebhookEvent, change: PullRequestChanged) -> None:
    """Record the pull request's present state: deliveries may arrive in any order."""
    run = run_requests.find_by_branch(deps, event.repository, event.repository_id, change.pull_request.head)
    if run:
        run_requests.record_pull_request(deps, run, change.pull_request, _present_state(github, event, change))


def _present_state(github: Github, event: WebhookEvent, change: PullRequestChanged) -> State:
    path = f"pulls/{change.pull_request.number}"
    try:
        answer = github.repository(event.repository, event.repository_id).get(path)
    except (NotFound, Rejected):
        return change.state
    if responses.text(answer, f"GET {path}", "state") != "closed":
        return "Open"
    return "Merged" if answer.get("merged") is True else "Closed"
