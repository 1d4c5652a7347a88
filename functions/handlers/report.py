"""The report function: reports a run to every audience after a watch event on it."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from functions.cluster.errors import NotFound
from functions.cluster.kinds import RUNS
from functions.events.event import MalformedError
from functions.events.object_ref import parse_object
from functions.runs import waiting_feedback
from functions.runs.model.run import parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.serving.reporter_protocol import Reporter
from functions.serving.watch_events import object_of
from functions.telemetry import context

log = logging.getLogger("orchestrator")


def handle(deps: Dependencies, request: Request) -> Answer:
    """Acknowledge once every reporter has reported the run; acknowledge events on other objects too.

    Raises:
        MalformedError: the request is not a watch event.
        PublishError, Busy, ClusterError: a report is missing; the redelivered event continues.
    """
    ref, reporters = object_of(request), deps.reporters
    if not reporters or not ref or ref.kind not in RUNS or ref.deleted:
        return ACKNOWLEDGED
    if ref.snapshot is None or _is_due(reporters, ref.snapshot):
        try:
            _report(deps, reporters, ref.kind, ref.namespace, ref.name)
        except NotFound:
            log.info("the run was deleted", extra={"run": f"{ref.namespace}/{ref.name}"})
    return ACKNOWLEDGED


def _is_due(reporters: Sequence[Reporter], snapshot: Mapping[str, Any]) -> bool:
    """Return whether the object in the event is a reason to report."""
    try:
        run = parse_object(snapshot, parse)
        return any(reporter.due(run) for reporter in reporters) or waiting_feedback.is_due(run)
    except MalformedError:
        return True  # not written by an API server; the stored run decides


def _report(deps: Dependencies, reporters: Sequence[Reporter], kind: str, namespace: str, name: str) -> None:
    run = deps.runs.get(kind, namespace, name)
    context.bind_run(run)
    for reporter in reporters:
        run = reporter.report(run)
    if waiting_feedback.is_due(run):
        from functions.chatops import retry_on_open_feedback  # loads the commands, which hardly any run needs here

        retry_on_open_feedback.retry_if_feedback_is_open(deps, run)
