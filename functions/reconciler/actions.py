"""The actions on a run, each a few calls that may be repeated by anyone at any moment with the same result."""

import logging
from typing import Any

from functions.cluster.errors import AlreadyExists, Invalid, NamespaceTerminating, NotFound
from functions.cluster.kinds import JOB
from functions.manifests import tombstone
from functions.reporting.reporter import reporters
from functions.runs import api_group
from functions.runs.lifecycle.observed import STOPPED_AFTER
from functions.runs.lifecycle_events import unpublished
from functions.runs.model import naming
from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus
from functions.serving.dependencies import Dependencies

Object = dict[str, Any]

log = logging.getLogger("orchestrator")


def adopt(services: Dependencies, run: Run) -> Run:
    """Puts our finalizer and labels on a run that was not made by submit, or lost them. Raises Conflict."""
    labels = naming.labels(run.spec) if run.spec else {}
    finalizers = [*(each for each in run.finalizers if each != api_group.FINALIZER), api_group.FINALIZER]
    return _patch(services, run, {"finalizers": finalizers, "labels": labels})


def unmark(services: Dependencies, run: Run) -> Run:
    """Takes the mark of a finished run off. Raises Conflict."""
    return _patch(services, run, {"labels": {api_group.FINISHED: None}})


def close(services: Dependencies, run: Run, status: RunStatus) -> None:
    """Writes the final status, then marks the run as finished, once its end is reported. Raises Conflict."""
    if status is not run.status:
        run = services.runs.write_status(
            run, status.model_copy(update={"expire_at": services.retention.expires(status)})
        )
    if services.policy.reports and unpublished(run.status):
        return  # the event of what was reported comes back here; if it is lost, the sweep does
    _patch(services, run, {"labels": {api_group.FINISHED: "true"}})


def stop(services: Dependencies, run: Run) -> None:
    """Ends the attempt's Job but keeps it: deleting it would free its name."""
    _patch_job(services, run, {"spec": {"activeDeadlineSeconds": STOPPED_AFTER}})


def withdraw(services: Dependencies, run: Run) -> None:
    """Makes the attempt's Job, which has no pod, one that starts none, whoever resumes it or makes room for it."""
    _patch_job(services, run, {"spec": {"parallelism": 0}})


def _patch_job(services: Dependencies, run: Run, patch: Object) -> None:
    try:
        services.cluster.patch(JOB, run.namespace, run.status.job_name or "", patch)
    except NotFound:
        log.info("no Job to stop", extra={"run": run.key})


def release(services: Dependencies, run: Run) -> None:
    """Leaves a tombstone where the run came from a request that may come again, and lets the deletion complete.

    GitHub is told in one try, and has no say in it: not even where that fails for a reason that nobody thought of.
    """
    try:
        for reporter in reporters(services):
            reporter.close(run)
    finally:
        _let_go(services, run)


def _let_go(services: Dependencies, run: Run) -> None:
    stone = tombstone.of(run, services.clock())
    if stone:
        try:
            services.config_maps.create(stone)
        except (
            AlreadyExists,
            NamespaceTerminating,
        ) as error:  # in a namespace that goes too, no request makes the run again
            log.info("no tombstone was made: %s", error, extra={"run": run.key})
    metadata = {"finalizers": [name for name in run.finalizers if name != api_group.FINALIZER]}
    try:
        _patch(services, run, metadata)
    except Invalid:  # the schema was tightened since: the same patch has to make the spec valid
        _patch(services, run, metadata, spec=tombstone.valid_spec(run))


def _patch(services: Dependencies, run: Run, metadata: Object, **parts: Object) -> Run:
    versioned = {"metadata": {"resourceVersion": run.resource_version, **metadata}, **parts}
    return services.runs.patch(run, versioned)
