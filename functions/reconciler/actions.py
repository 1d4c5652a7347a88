"""The actions on a run. Each is a few calls that any process may repeat at any time with the same result."""

import logging
from typing import Any

from functions.cluster.errors import AlreadyExists, ClusterError, Invalid, NamespaceTerminating, NotFound, loggable
from functions.cluster.kinds import JOB
from functions.manifests import tombstone
from functions.reconciler.observation import read_job
from functions.runs import api_group
from functions.runs.lifecycle.lifecycle_events import unpublished
from functions.runs.lifecycle.observed import STOPPED_AFTER
from functions.runs.model import naming
from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus
from functions.serving.dependencies import Dependencies

Object = dict[str, Any]

log = logging.getLogger("orchestrator")


def adopt(deps: Dependencies, run: Run) -> Run:
    """Put our finalizer and labels on a run that was not created by submit, or lost them; raise Conflict."""
    labels = naming.run_labels(run.spec) if run.spec else {}
    others = [name for name in run.finalizers if name != api_group.FINALIZER]
    return _patch(deps, run, {"finalizers": [*others, api_group.FINALIZER], "labels": labels})


def reopen_for_sweep(deps: Dependencies, run: Run) -> Run:
    """Remove the label of a finished run, so that the sweep lists it again; raise Conflict."""
    return _patch(deps, run, {"labels": {api_group.FINISHED: None}})


def close(deps: Dependencies, run: Run, status: RunStatus) -> None:
    """Write the final status, then label the run as finished once its end is published; raise Conflict."""
    if status is not run.status:
        expires = deps.retention.expires(status)
        run = deps.runs.write_status(run, status.model_copy(update={"expire_at": expires}))
    if deps.policy.reports and unpublished(run.status):
        return  # the event of the published end, or else the sweep, comes back here
    _patch(deps, run, {"labels": {api_group.FINISHED: run.uid}})


def stop(deps: Dependencies, run: Run) -> bool:
    """End the attempt's Job and keep it: to delete it would free its name. Return whether it is suspended by now."""
    return bool(_patch_job(deps, run, {"spec": {"activeDeadlineSeconds": STOPPED_AFTER}})["spec"].get("suspend"))


def prevent_pods(deps: Dependencies, run: Run) -> None:
    """Make sure that the attempt's Job, which has no pod, never starts one, even if it is resumed or gets quota."""
    _patch_job(deps, run, {"spec": {"parallelism": 0}})


def release(deps: Dependencies, run: Run) -> None:
    """Stop the agent, make the last reports, then let the deletion complete.

    Each has one try. No error in them, not even an unexpected one, keeps the run from being deleted.
    """
    try:
        _stop_agent(deps, run)
        for reporter in deps.reporters:
            reporter.close(run)
    finally:
        _leave_tombstone(deps, run)
        _remove_finalizer(deps, run)


def _stop_agent(deps: Dependencies, run: Run) -> None:
    """Stop the Job. It would be deleted with its run, but others may hold the run, or orphan the Job."""
    try:
        job = read_job(deps, run) if run.status.open_attempt else None
        if job and job.owner_uid == run.uid and not job.ended and stop(deps, run):
            prevent_pods(deps, run)
    except ClusterError as error:
        log.warning("the Job of the deleted run was not stopped: %s", loggable(error), extra={"run": run.key})


def _leave_tombstone(deps: Dependencies, run: Run) -> None:
    """Keep the run's name taken if it comes from a request that may arrive again."""
    stone = tombstone.of(run, deps.clock())
    if stone:
        try:
            deps.config_maps.create(stone)
        except (AlreadyExists, NamespaceTerminating) as error:  # no request creates a run in such a namespace
            log.info("no tombstone was created: %s", error, extra={"run": run.key})


def _remove_finalizer(deps: Dependencies, run: Run) -> None:
    metadata = {"finalizers": [name for name in run.finalizers if name != api_group.FINALIZER]}
    try:
        _patch(deps, run, metadata)
    except Invalid:  # the schema is stricter than when the run was created: the same patch has to make the spec valid
        _patch(deps, run, metadata, spec=tombstone.valid_spec(run))


def _patch_job(deps: Dependencies, run: Run, patch: Object) -> Object:
    """Return the patched Job; a Job with an empty spec if it does not exist."""
    try:
        return deps.cluster.patch(JOB, run.namespace, run.status.job_name or "", patch)
    except NotFound:
        log.info("no Job to stop", extra={"run": run.key})
        return {"spec": {}}


def _patch(deps: Dependencies, run: Run, metadata: Object, **parts: Object) -> Run:
    """Patch the version of the run that was read; raise Conflict if there is a later one."""
    return deps.runs.patch(run, {"metadata": {"resourceVersion": run.resource_version, **metadata}, **parts})
