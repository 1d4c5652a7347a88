"""The job_finished function: applies a change of a Job to the run whose attempt it is."""

import logging
from collections.abc import Mapping
from typing import Any

from functions.cluster.errors import NotFound
from functions.cluster.kinds import JOB
from functions.events.object_ref import ObjectRef, parse_object
from functions.reconciler.promotion import admit_next
from functions.reconciler.reconciler import Preloaded, run_steps
from functions.runs.lifecycle.observed import NOT_READ, parse_job
from functions.runs.model.owner_reference import run_owner
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.serving.watch_events import object_of

log = logging.getLogger("orchestrator")


def handle(deps: Dependencies, request: Request) -> Answer:
    """Acknowledge once the run's status reflects the Job; acknowledge events on other objects too.

    Raises:
        MalformedError: the request is not a watch event, or its object is not a Job.
        ClusterError: the API server did not do as asked; the redelivered event continues.
    """
    ref = object_of(request)
    if ref and ref.kind == "Job":
        raw = ref.snapshot if ref.snapshot is not None else _find_job(deps, ref)
        if raw is not None:  # else the run is unknown; the sweep finds it
            _apply(deps, ref, raw)
    return ACKNOWLEDGED


def _find_job(deps: Dependencies, ref: ObjectRef) -> Mapping[str, Any] | None:
    """Return the Job that an event only names; None if it is deleted."""
    try:
        return None if ref.deleted else deps.cluster.get(JOB, ref.namespace, ref.name)
    except NotFound:
        return None


def _apply(deps: Dependencies, ref: ObjectRef, raw: Mapping[str, Any]) -> None:
    job, owner = parse_object(raw, parse_job), parse_object(raw["metadata"], run_owner)
    ended = job.ended or ref.deleted
    if not owner:
        log.info("ignored: no run owns the Job", extra={"job": f"{ref.namespace}/{ref.name}"})
        return
    if job.has_no_pod and not ended:
        return
    try:
        run = deps.runs.get(owner.kind, ref.namespace, owner.name)
        if run.status.job_name == job.name:  # else the Job's attempt is over
            # A Job that is ready stays so. Its end is read again, with its pods, and whether it is still suspended.
            run_steps(deps, run, Preloaded(job=NOT_READ if ended or job.suspended else job))
    except NotFound:
        log.info("the run was deleted", extra={"run": f"{ref.namespace}/{owner.name}"})
    if ended:
        admit_next(deps, owner.uid)
