"""The function `job_finished`: a watch event on a Job moves the run whose attempt it is."""

from collections.abc import Mapping
from typing import Any

from functions.cluster.errors import NotFound
from functions.cluster.kinds import JOB, RUNS
from functions.events.event import MalformedError
from functions.events.object_ref import ObjectRef
from functions.reconciler.promotion import admit_next
from functions.reconciler.reconciler import Preloaded, log, run_steps
from functions.runs import api_group
from functions.runs.lifecycle.observed import NOT_READ, Job, parse_job
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.serving.watch_events import object_of


def handle(services: Dependencies, request: Request) -> Answer:
    """Acknowledges once what the Job's change means for its run is recorded."""
    found = object_of(request)
    if found and found.kind == "Job":
        raw = found.snapshot if found.snapshot is not None else _referred(services, found)
        if raw is not None:
            _job_changed(services, found, raw)
    return ACKNOWLEDGED


def _referred(services: Dependencies, found: ObjectRef) -> Mapping[str, Any] | None:
    """The Job that an event only names; of one that is gone nobody knows the run, and the sweep comes to it."""
    try:
        return None if found.deleted else services.cluster.get(JOB, found.namespace, found.name)
    except NotFound:
        return None


def _job_changed(services: Dependencies, found: ObjectRef, raw: Mapping[str, Any]) -> None:
    owner, job = _owner(raw), _parsed(raw)
    if not owner or not (job.ended or job.ready or found.deleted):
        return
    try:
        run = services.runs.get(owner["kind"], found.namespace, owner["name"])
        if run.status.job_name == job.name:  # else it is a Job of an attempt that is over
            # That a Job got ready is a fact for ever; its end is read afresh, together with its pods.
            run_steps(services, run, Preloaded(job=NOT_READ if job.ended or found.deleted else job))
    except NotFound:
        log.info("gone", extra={"run": f"{found.namespace}/{owner['name']}"})
    if job.ended or found.deleted:
        admit_next(services, owner["uid"])


def _owner(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The reference to the run that the Job was made for."""
    for owner in raw["metadata"].get("ownerReferences") or ():
        if (
            owner.get("apiVersion") == api_group.API_VERSION
            and owner.get("kind") in RUNS
            and owner.get("name")
            and owner.get("uid")
        ):
            return dict(owner)
    return None


def _parsed(raw: Mapping[str, Any]) -> Job:
    try:
        return parse_job(raw)
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedError(("data", f"is not a Job: {error!r}")) from None
