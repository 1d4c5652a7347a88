"""Starts an attempt: records it in the status, then creates its workspace, task files and Job."""

from functions.cluster.errors import Conflict, Forbidden, Invalid
from functions.cluster.kinds import JOB
from functions.manifests import tombstone
from functions.reconciler import admission, attempt_objects, rendering
from functions.reconciler.actions import close
from functions.reconciler.attempt_objects import TakenError
from functions.reconciler.rendering import Unrenderable
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.event_diagnosis import is_quota_exceeded
from functions.runs.lifecycle.observed import parse_job
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import Verdict
from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import MESSAGE_LENGTH, Obstacle, RunStatus
from functions.serving.dependencies import Dependencies
from functions.storage.config_map_store import ConfigMapStore
from functions.templating.render import TaskFiles


def start(deps: Dependencies, run: Run, status: RunStatus) -> None:
    """Record the attempt in `status` once there is a slot for it, then create what it names; raise Conflict."""
    if run.status.attempt is None and _was_deleted_before(deps, run):
        message = "its request created a run earlier, which was deleted; the request came again"
        ended = transitions.end_run(run, State.CANCELLED, Reason.CANCELLED, message, deps.clock())
        return close(deps, run, ended)
    try:
        files = rendering.task_files(deps.settings, run.with_status(status))
    except Unrenderable as problem:
        return _cannot_render(deps, run, problem)
    obstacle = admission.request_slot(deps, run)
    if obstacle:
        return _queue(deps, run, obstacle)
    status = status.model_copy(update={"templates_checksum": files.checksum})
    return _create(deps, deps.runs.write_status(run, status), files)


def create_resources(deps: Dependencies, run: Run) -> None:
    """Create what the recorded attempt names, if the process that recorded it did not; raise Conflict."""
    try:
        files = rendering.task_files(deps.settings, run)
    except Unrenderable as problem:
        return _cannot_render(deps, run, problem)
    return _create(deps, run, files)


def _was_deleted_before(deps: Dependencies, run: Run) -> bool:
    """Return whether a request created the run again that was under way while its first run was deleted."""
    if tombstone.REQUEST not in run.raw["metadata"].get("annotations", {}):
        return False
    tombstones = ConfigMapStore(deps.cluster, run.namespace)
    return tombstones.find(naming.tombstone(run.kind, run.name)) is not None


def _queue(deps: Dependencies, run: Run, obstacle: Obstacle) -> None:
    """Show that the run waits. The obstacle may change while it waits, and is not written again."""
    if not run.status.succeeded or run.status.succeeded.reason != Reason.QUEUED:
        deps.runs.write_status(run, transitions.queued(run, obstacle, deps.clock()))


def _create(deps: Dependencies, run: Run, files: TaskFiles) -> None:
    try:
        if run.status.workspace_name:
            attempt_objects.ensure_workspace(deps, run)
        run = _with_checksum(deps, run, attempt_objects.ensure_task_files(deps, run, files))
        attempt_objects.ensure_job(deps, run)
    except TakenError as taken:
        return _fail(deps, run, Reason.NAME_TAKEN, str(taken))
    except (Invalid, Forbidden) as refused:
        message = f"the cluster refuses what the attempt needs: {refused}"
        reason = Reason.QUEUED if is_quota_exceeded(str(refused)) else Reason.CONFIGURATION_ERROR
        return _show(deps, run, reason, message)
    return None


def _with_checksum(deps: Dependencies, run: Run, checksum: str | None) -> Run:
    """Return the run once its status names the templates of the task files that exist; raise Conflict.

    Another revision may have created the task files first. They are the ones that the Job mounts.
    """
    if checksum == run.status.templates_checksum:
        return run
    change = {"templates_checksum": checksum}
    try:
        return deps.runs.write_status(run, run.status.model_copy(update=change))
    except Conflict:  # once the Job exists no process comes back here: write it now, unless the attempt is over
        present = deps.runs.reread(run)
        if not present.status.open_attempt or present.status.job_name != run.status.job_name:
            raise
        return deps.runs.write_status(present, present.status.model_copy(update=change))


def _cannot_render(deps: Dependencies, run: Run, problem: Unrenderable) -> None:
    if problem.final:
        return _fail(deps, run, problem.reason, str(problem))
    return wait_for_fix(deps, run, problem.reason, str(problem))


def wait_for_fix(deps: Dependencies, run: Run, reason: Reason, message: str) -> None:
    """Show what a person has to fix; end a run without an open attempt once the pending wait is over."""
    now = deps.clock()
    until = deps.policy.pending_until(run, reason, now)
    if until and now >= until and not run.status.open_attempt:
        return _fail(deps, run, reason, f"gave up waiting: {message}")
    return _show(deps, run, reason, message)


def _show(deps: Dependencies, run: Run, reason: Reason, message: str) -> None:
    """Show what keeps the attempt from starting; the next sweep tries again. A quota's numbers are not followed."""
    shown, message = run.status.succeeded, message[:MESSAGE_LENGTH]
    if shown and shown.reason == reason == Reason.QUEUED:
        return
    if not shown or (shown.reason, shown.message) != (reason, message):
        now = deps.clock()
        at, until = now + deps.policy.backoff, deps.policy.pending_until(run, reason, now)
        changes = {"next_attempt_at": min(at, until) if until else at, "pending_until": until}
        deps.runs.write_status(run, transitions.pending(run, reason, message, now, **changes))


def _fail(deps: Dependencies, run: Run, reason: Reason, message: str) -> None:
    """End the run, and its open attempt with it once the name of its Job is taken.

    If another process has created the attempt's Job meanwhile, the attempt works, and its end decides.
    """
    now = deps.clock()
    ended = {}
    if run.status.open_attempt:
        refused = attempt_objects.fence(deps, run)
        if refused:  # the run waits for people, and ends like every run that waits for them in vain
            message = f"{message}; it cannot end yet, because the cluster refuses Jobs: {refused}"
            return _show(deps, run, Reason.CONFIGURATION_ERROR, message)
        job = parse_job(deps.cluster.get(JOB, run.namespace, run.status.job_name or ""))
        if job.owner_uid == run.uid and not job.fence:
            return None
        ended = transitions.evidence(run, Verdict(False, reason, message), now)
    return close(deps, run, transitions.end_run(run, State.FAILED, reason, message, now, **ended))
