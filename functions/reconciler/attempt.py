"""Starting an attempt: its task files, workspace and Job, created by whoever comes first, found by everybody else."""

import logging
from collections.abc import Callable
from typing import Any

from functions.cluster.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, loggable
from functions.cluster.kinds import CONFIG_MAP, JOB, VOLUME_CLAIM, Kind
from functions.manifests import attempt, tombstone
from functions.reconciler import admission, rendering
from functions.reconciler.actions import close
from functions.reconciler.rendering import Unrenderable
from functions.runs.lifecycle import job_creation_window, transitions
from functions.runs.lifecycle.observed import parse_job
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import Verdict
from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import MESSAGE_LENGTH, RunStatus
from functions.runs.retention import UNUSED_SINCE
from functions.serving.dependencies import Dependencies
from functions.templating.render import TaskFiles

log = logging.getLogger("orchestrator")
Object = dict[str, Any]


def start(services: Dependencies, run: Run, status: RunStatus) -> None:
    """Records the attempt in `status`, once there is a place for it, then creates what it names. Raises Conflict."""
    if run.status.attempt is None and _was_deleted_before(services, run):
        message = "its request made a run earlier, which was deleted; the request came again"
        return close(
            services, run, transitions.end_run(run, State.CANCELLED, Reason.CANCELLED, message, services.clock())
        )
    try:
        files = rendering.task_files(services.settings, run.with_status(status))
    except Unrenderable as problem:
        return _cannot_render(services, run, problem)
    obstacle = admission.ask(services, run)
    if obstacle:
        return _queue(services, run, obstacle)
    status = status.model_copy(update={"templates_checksum": files.checksum})
    return _create(services, services.runs.write_status(run, status), files)


def _queue(services: Dependencies, run: Run, why: str) -> None:
    """Shows that the run waits; what it waits for may change meanwhile, and is not written again."""
    if not run.status.succeeded or run.status.succeeded.reason != Reason.QUEUED:
        services.runs.write_status(run, transitions.queued(run, f"waits: {why}", services.clock()))


def _was_deleted_before(services: Dependencies, run: Run) -> bool:
    """Whether a request that was under way while its run was deleted made the run again."""
    if tombstone.REQUEST not in run.raw["metadata"].get("annotations", {}):
        return False
    return services.config_maps.find(naming.tombstone(run.kind, run.name)) is not None


def create_resources(services: Dependencies, run: Run) -> None:
    """Creates what an attempt recorded by somebody else names. Raises Conflict."""
    try:
        files = rendering.task_files(services.settings, run)
    except Unrenderable as problem:
        return _cannot_render(services, run, problem)
    return _create(services, run, files)


def fence(services: Dependencies, run: Run) -> str:
    """Takes the name of the attempt's Job, so that nobody who was held up can still create it.

    Where the cluster refuses that, as a quota does whether the name is taken or not: why; else nothing.
    """
    try:
        services.cluster.create(JOB, attempt.fence(run))
    except AlreadyExists:
        log.info("the Job is there after all", extra={"run": run.key})
    except (Invalid, Forbidden) as refused:
        log.warning("the name of its Job cannot be taken: %s", loggable(refused), extra={"run": run.key})
        return str(refused)
    return ""


def _create(services: Dependencies, run: Run, files: TaskFiles) -> None:
    try:
        if run.status.workspace_name:
            claim = _ensure(services, VOLUME_CLAIM, attempt.claim(run, services.settings.job), _is_workspace_of(run))
            _use(services, claim)
        kept = _ensure(services, CONFIG_MAP, attempt.task_files(run, files.files, files.checksum), _is_owned_by(run))
        run = _mounting(services, run, kept)
        _ensure_job(services, run)
    except TakenError as taken:
        return _fail(services, run, Reason.NAME_TAKEN, str(taken))
    except (Invalid, Forbidden) as refused:
        message = f"the cluster refuses what the attempt needs: {refused}"
        return _show(services, run, Reason.CONFIGURATION_ERROR, message)
    return None


def _mounting(services: Dependencies, run: Run, kept: Object) -> Run:
    """The run once its status names the templates of the task files that are there. Raises Conflict."""
    carried = kept["metadata"].get("annotations", {}).get(attempt.CHECKSUM)
    if carried == run.status.templates_checksum:
        return run
    # Another revision was first, and its files are the ones mounted.
    named = {"templates_checksum": carried}
    try:
        return services.runs.write_status(run, run.status.model_copy(update=named))
    except Conflict:  # once the Job is there nobody comes back here: it is said now, unless the attempt is over
        present = services.runs.reread(run)
        if not present.status.open_attempt or present.status.job_name != run.status.job_name:
            raise
        return services.runs.write_status(present, present.status.model_copy(update=named))


def _ensure_job(services: Dependencies, run: Run) -> None:
    """The attempt's Job. Raises Conflict where this process stood still so long that others may have seen its end."""
    item = attempt.job(run, services.settings)
    now = services.clock()
    if not (job_creation_window.may_create_job(run, now) and job_creation_window.is_fresh(run, now)):
        raise Conflict(f"{run.key}: it is too late to create Job {item['metadata']['name']}; read and decide again")
    _ensure(services, JOB, item, _is_owned_by(run))


_REMEDY = {VOLUME_CLAIM: "is the workspace of another service and agent; choose another service or agent"}


class TakenError(Exception):
    """An object that a run needs is there already and belongs to something else."""


def _ensure(services: Dependencies, kind: Kind, item: Object, ours: Callable[[Object], bool]) -> Object:
    """The object under the name of `item`: created, or found and ours."""
    try:
        return services.cluster.create(kind, item)
    except AlreadyExists:
        name = item["metadata"]["name"]
        found = services.cluster.get(kind, item["metadata"]["namespace"], name)
        if not ours(found):
            remedy = _REMEDY.get(kind, "belongs to something else; delete it")
            raise TakenError(f"{kind.name} {name} {remedy}") from None
        return found


def _use(services: Dependencies, claim: Object) -> None:
    """Takes the mark of an unused workspace off: nobody deletes it any more. Raises Conflict where somebody did."""
    metadata = claim["metadata"]
    if UNUSED_SINCE not in metadata.get("annotations", {}):
        return
    change = {"resourceVersion": metadata["resourceVersion"], "annotations": {UNUSED_SINCE: None}}
    try:
        services.cluster.patch(VOLUME_CLAIM, metadata["namespace"], metadata["name"], {"metadata": change})
    except NotFound as gone:
        raise Conflict(str(gone)) from gone


def _is_owned_by(run: Run) -> Callable[[Object], bool]:
    return lambda found: any(owner["uid"] == run.uid for owner in found["metadata"].get("ownerReferences", ()))


def _is_workspace_of(run: Run) -> Callable[[Object], bool]:
    wanted = attempt.workspace_labels(run)
    return lambda found: attempt.whose_workspace(found["metadata"].get("labels", {})) == wanted


def _cannot_render(services: Dependencies, run: Run, problem: Unrenderable) -> None:
    if problem.final:
        return _fail(services, run, problem.reason, str(problem))
    return _show(services, run, problem.reason, str(problem))


def _show(services: Dependencies, run: Run, reason: Reason, message: str) -> None:
    """Shows what people can mend; the next sweep tries again."""
    shown, message = run.status.succeeded, message[:MESSAGE_LENGTH]
    if not shown or (shown.reason, shown.message) != (reason, message):
        now = services.clock()
        at = now + services.policy.backoff
        services.runs.write_status(run, transitions.pending(run, reason, message, now, next_attempt_at=at))


def _fail(services: Dependencies, run: Run, reason: Reason, message: str) -> None:
    """Ends the run; an attempt that is open ends with it, its Job's name taken first.

    Where somebody else made the attempt's Job meanwhile, the attempt works, and its end decides.
    """
    now = services.clock()
    ended = {}
    if run.status.open_attempt:
        refused = fence(services, run)
        if refused:  # it waits for people, and ends as whatever waits for them in vain
            message = f"{message}; it cannot end yet, for the cluster refuses Jobs: {refused}"
            return _show(services, run, Reason.CONFIGURATION_ERROR, message)
        job = parse_job(services.cluster.get(JOB, run.namespace, run.status.job_name or ""))
        if job.owner_uid == run.uid and not job.fence:
            return None
        ended = transitions.evidence(run, Verdict(False, reason, message), now)
    return close(services, run, transitions.end_run(run, State.FAILED, reason, message, now, **ended))
