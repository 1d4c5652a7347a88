"""The objects of an attempt: created by whichever process comes first, found by the others."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from functions.cluster.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, loggable
from functions.cluster.kinds import CONFIG_MAP, JOB, VOLUME_CLAIM, Kind
from functions.manifests import attempt
from functions.runs.lifecycle import job_creation_window
from functions.runs.model.run import Run
from functions.runs.retention import UNUSED_SINCE
from functions.serving.dependencies import Dependencies
from functions.templating.render import TaskFiles

log = logging.getLogger("orchestrator")
Object = dict[str, Any]

_REMEDY = {VOLUME_CLAIM: "is the workspace of another service, identity or repository; delete or rename it"}


class TakenError(Exception):
    """An object of the name that a run needs exists and belongs to something else."""


def ensure_workspace(deps: Dependencies, run: Run) -> None:
    """Create or find the workspace's volume claim, and mark it as used.

    Raises:
        TakenError: a claim of that name is not a workspace of this service, identity and repository.
        Conflict: another process changed or deleted the claim.
    """
    is_ours = partial(attempt.is_workspace_of, run)
    _mark_used(deps, _ensure(deps, VOLUME_CLAIM, attempt.claim(run, deps.settings.job), is_ours))


def ensure_task_files(deps: Dependencies, run: Run, files: TaskFiles) -> str | None:
    """Create or find the ConfigMap of the task files; return the checksum of the templates it was rendered from.

    Raises TakenError.
    """
    item = attempt.task_files(run, files.files, files.checksum)
    stored = _ensure(deps, CONFIG_MAP, item, _is_owned_by(run))
    checksum: str | None = stored["metadata"].get("annotations", {}).get(attempt.CHECKSUM)
    return checksum


def ensure_job(deps: Dependencies, run: Run) -> None:
    """Create or find the attempt's Job.

    Raises:
        TakenError: a Job of that name belongs to something else.
        Conflict: this process was held up so long that others may have seen the Job's end.
    """
    item, now = attempt.job(run, deps.settings), deps.clock()
    if not (job_creation_window.may_create_job(run, now) and job_creation_window.is_fresh(run, now)):
        raise Conflict(f"{run.key}: it is too late to create Job {item['metadata']['name']}; read and decide again")
    _ensure(deps, JOB, item, _is_owned_by(run))


def fence(deps: Dependencies, run: Run) -> str:
    """Take the name of the attempt's Job with a placeholder, so that no process that was held up can still create it.

    Return why the cluster rejects the placeholder (a quota does so even if the name is taken); empty if it does not.
    """
    try:
        deps.cluster.create(JOB, attempt.fence(run))
    except AlreadyExists:
        log.info("the Job exists after all", extra={"run": run.key})
    except (Invalid, Forbidden) as refused:
        log.warning("the name of its Job cannot be taken: %s", loggable(refused), extra={"run": run.key})
        return str(refused)
    return ""


def _ensure(deps: Dependencies, kind: Kind, item: Object, is_ours: Callable[[Object], bool]) -> Object:
    """Return the object of the name of `item`: created, or found and ours."""
    try:
        return deps.cluster.create(kind, item)
    except AlreadyExists:
        name = item["metadata"]["name"]
        existing = deps.cluster.get(kind, item["metadata"]["namespace"], name)
        if not is_ours(existing):
            remedy = _REMEDY.get(kind, "belongs to something else; delete it")
            raise TakenError(f"{kind.name} {name} {remedy}") from None
        return existing


def _is_owned_by(run: Run) -> Callable[[Object], bool]:
    return lambda item: any(owner["uid"] == run.uid for owner in item["metadata"].get("ownerReferences", ()))


def _mark_used(deps: Dependencies, claim: Object) -> None:
    """Remove the annotation of an unused workspace, so that no pass deletes it; raise Conflict if one has."""
    metadata = claim["metadata"]
    if UNUSED_SINCE not in metadata.get("annotations", {}):
        return
    change = {"resourceVersion": metadata["resourceVersion"], "annotations": {UNUSED_SINCE: None}}
    try:
        deps.cluster.patch(VOLUME_CLAIM, metadata["namespace"], metadata["name"], {"metadata": change})
    except NotFound as gone:
        raise Conflict(str(gone)) from gone
