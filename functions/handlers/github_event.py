"""The function `github_event`: does what a delivery of GitHub asks for.

Rules decide from the event alone what it comes to; for most it is nothing, and then nobody is asked. Whoever asks for
something must have write access, else nothing is done and nothing is answered. What is done carries the key of what
happened, so that it may arrive any number of times, by any number of hooks.
"""

import logging

from functions.chatops import run_requests
from functions.chatops.command_handler import CommandHandler
from functions.events.event import GITHUB_EVENT, Event, MalformedError
from functions.github.api import responses
from functions.github.api.client import Github
from functions.github.api.errors import NotFound
from functions.github.webhook.decisions import CommandRequest, Decision, InvalidateTokens, LogOnly, PullRequestChanged
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.rules import router
from functions.runs.model.pull_request import State
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Refused, Request
from functions.serving.watch_events import ignored
from functions.telemetry.context import bind_event

log = logging.getLogger("orchestrator")


def handle(services: Dependencies, request: Request) -> Answer:
    """Acknowledges once everything is done that the delivery comes to.

    Raises:
        MalformedError: it is no event.
        Refused: 403 where no App is configured, which is mended by people.
        GithubError, ClusterError: some of it may be done; the same delivery later does the rest.
    """
    event = bind_event(request.received.event())
    if not event.type.startswith(GITHUB_EVENT):
        return ignored(event)
    happening = _happening(event)
    decisions = router.decide(happening)
    if not decisions:
        return ACKNOWLEDGED
    if services.github is None:
        raise Refused(403, "no App is configured to call GitHub as: set github.app_id and github.private_key")
    for decision in decisions:
        _act(services, services.github, happening, decision)
    return ACKNOWLEDGED


def _happening(event: Event) -> WebhookEvent:
    if not isinstance(event.data, dict):
        raise MalformedError(("data", "must be a JSON object: what is kept of a delivery"))
    name = event.type.removeprefix(GITHUB_EVENT).partition(".")[0]
    action = event.data.get("action")
    return WebhookEvent(name, action if isinstance(action, str) else "", event.id, event.data)


def _act(services: Dependencies, github: Github, happening: WebhookEvent, decision: Decision) -> None:
    """Does it, once per key. Raises GithubError, ClusterError."""
    match decision:
        case LogOnly(message):
            log.info("%s", message, extra={"event": happening.delivery})
        case InvalidateTokens(message, repositories):
            log.info("%s", message, extra={"event": happening.delivery})
            for name in repositories or ("",):
                github.forget(name)
        case PullRequestChanged() if happening.repository:
            _tell(services, github, happening, decision)
        case CommandRequest() if happening.repository and happening.repository_id:
            CommandHandler(services, github, happening, decision).serve()
        case _:
            log.warning("ignored: a delivery that names no repository", extra={"event": happening.delivery})


def _tell(services: Dependencies, github: Github, happening: WebhookEvent, news: PullRequestChanged) -> None:
    """Tells the run of its pull request, as it is now: deliveries overtake each other."""
    run = run_requests.of_branch(services, happening.repository, happening.repository_id, news.pull.head)
    if run:
        run_requests.note_pull_request(services, run, news.pull, _state(github, happening, news))


def _state(github: Github, happening: WebhookEvent, news: PullRequestChanged) -> State:
    path = f"pulls/{news.pull.number}"
    try:
        shown = github.repository(happening.repository).get(path)
    except NotFound:
        return news.state
    if responses.text(shown, f"GET {path}", "state") != "closed":
        return "Open"
    return "Merged" if shown.get("merged") is True else "Closed"
