"""The report function: reports a changed run to every audience.

Lifecycle events come first, because a run is marked as finished only after its last event; nothing waits for GitHub.
"""

import logging
from collections.abc import Sequence

from functions.cluster.errors import NotFound
from functions.cluster.kinds import RUNS
from functions.reporting.reporter import Reporter, reporters
from functions.runs import waiting_feedback
from functions.runs.model.run import parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.serving.watch_events import object_of
from functions.telemetry import context

log = logging.getLogger("orchestrator")


def handle(deps: Dependencies, request: Request) -> Answer:
    """Handle a watch event on a run; acknowledge once it is reported, at once if no audience is configured.

    Raises:
        MalformedError: the request is not a watch event.
        PublishError, Busy, ClusterError: an audience or the cluster did not answer; the redelivered event continues.
    """
    ref = object_of(request)
    audience = reporters(deps)
    if not audience or not ref or ref.kind not in RUNS or ref.deleted:
        return ACKNOWLEDGED
    if ref.snapshot is None or _is_due(audience, ref.snapshot):
        _report(deps, audience, ref.kind, ref.namespace, ref.name)
    return ACKNOWLEDGED


def _report(deps: Dependencies, audience: Sequence[Reporter], kind: str, namespace: str, name: str) -> None:
    try:
        run = deps.runs.get(kind, namespace, name)
        context.bind_run(run)
        for reporter in audience:
            run = reporter.report(run)
        if waiting_feedback.is_due(run):
            from functions.chatops import attempt_end  # loads the commands, which hardly any run needs here

            attempt_end.retry_if_feedback_is_open(deps, run)
    except NotFound:
        log.info("gone", extra={"run": f"{namespace}/{name}"})


def _is_due(audience: Sequence[Reporter], snapshot: object) -> bool:
    """Return whether the event's snapshot of the run is to be reported; an unreadable snapshot is read again."""
    try:
        run = parse(snapshot)  # type: ignore[arg-type]
        return any(reporter.due(run) for reporter in audience) or waiting_feedback.is_due(run)
    except (KeyError, TypeError, ValueError):
        return True
