"""The actions on a run, each a few calls that may be repeated by anyone at any moment with the same result."""

import logging
from collections.abc import Callable
from typing import Any

from functions.cluster.errors import AlreadyExists, ClusterError, Invalid, NotFound
from functions.cluster.kinds import CLAIM, CONFIG_MAP, EVENT, JOB, RUNS, Kind
from functions.handlers import rendering
from functions.handlers.rendering import Unrenderable
from functions.handlers.services import Services
from functions.manifests import attempt, event, tombstone
from functions.runs import attempts, naming
from functions.runs.lifecycle import State
from functions.runs.observed import STOPPED_AFTER
from functions.runs.reasons import Reason
from functions.runs.run import Run, parse
from functions.runs.status import RunStatus
from functions.runs.verdict import Verdict
from functions.templating.render import TaskFiles

Object = dict[str, Any]

log = logging.getLogger("orchestrator")


def write_status(services: Services, run: Run, status: RunStatus) -> Run:
    """Writes the whole status at the version the decision was made from. Raises Conflict."""
    written = parse(services.cluster.replace_status(RUNS[run.kind], run.with_status(status)))
    condition, before = status.succeeded, run.status.succeeded
    if condition and (before is None or before.reason != condition.reason):
        log.info("%s", status.phase, extra={"run": run.key, "attempt": status.attempt, "reason": condition.reason})
        _tell(services, written)
    return written


def _tell(services: Services, run: Run) -> None:
    """Posts the Kubernetes Event of a transition. For people: where it fails, the run goes on without it."""
    item = event.of(run, services.clock())
    try:
        if item:
            services.cluster.create(EVENT, item)
    except ClusterError as error:
        log.warning("no Event was posted: %s", error, extra={"run": run.key})


def adopt(services: Services, run: Run) -> Run:
    """Puts our finalizer and labels on a run that was not made by submit. Raises Conflict."""
    labels = naming.labels(run.spec) if run.spec else {}
    return _patch(services, run, {"finalizers": [*run.finalizers, naming.FINALIZER], "labels": labels})


def unmark(services: Services, run: Run) -> Run:
    """Takes the mark of a finished run off. Raises Conflict."""
    return _patch(services, run, {"labels": {naming.FINISHED: None}})


def close(services: Services, run: Run, status: RunStatus) -> None:
    """Writes the final status, then marks the run as finished. Raises Conflict."""
    if status is not run.status:
        run = write_status(services, run, status)
    _patch(services, run, {"labels": {naming.FINISHED: "true"}})


def start(services: Services, run: Run, status: RunStatus) -> None:
    """Records the attempt in `status`, then creates what it names. Raises Conflict."""
    try:
        files = rendering.task_files(services.settings, run.having(status))
    except Unrenderable as problem:
        return _cannot_render(services, run, problem)
    status = status.model_copy(update={"templates_checksum": files.checksum})
    return _create(services, write_status(services, run, status), files)


def create_resources(services: Services, run: Run) -> None:
    """Creates what an attempt recorded by somebody else names. Raises Conflict."""
    try:
        files = rendering.task_files(services.settings, run)
    except Unrenderable as problem:
        return _cannot_render(services, run, problem)
    return _create(services, run, files)


def fence(services: Services, run: Run) -> None:
    """Takes the name of the attempt's Job, so that nobody who was held up can still create it."""
    try:
        services.cluster.create(JOB, attempt.fence(run))
    except AlreadyExists:
        log.info("the Job is there after all", extra={"run": run.key})


def stop(services: Services, run: Run) -> None:
    """Ends the attempt's Job but keeps it: deleting it would free its name."""
    patch = {"spec": {"activeDeadlineSeconds": STOPPED_AFTER}}
    try:
        services.cluster.patch(JOB, run.namespace, run.status.job_name or "", patch)
    except NotFound:
        log.info("no Job to stop", extra={"run": run.key})


def release(services: Services, run: Run) -> None:
    """Leaves a tombstone where the run came from a request that may come again, and lets the deletion complete."""
    stone = tombstone.of(run, services.clock())
    if stone:
        try:
            services.cluster.create(CONFIG_MAP, stone)
        except AlreadyExists:
            log.info("the tombstone stands", extra={"run": run.key})
    metadata = {"finalizers": [name for name in run.finalizers if name != naming.FINALIZER]}
    try:
        _patch(services, run, metadata)
    except Invalid:  # the schema was tightened since: the same patch has to make the spec valid
        _patch(services, run, metadata, spec=tombstone.valid_spec(run))


def _patch(services: Services, run: Run, metadata: Object, **parts: Object) -> Run:
    versioned = {"metadata": {"resourceVersion": run.resource_version, **metadata}, **parts}
    return parse(services.cluster.patch(RUNS[run.kind], run.namespace, run.name, versioned))


def _create(services: Services, run: Run, files: TaskFiles) -> None:
    try:
        if run.status.workspace_name:
            _ensure(services, CLAIM, attempt.claim(run, services.settings.job), _is_workspace_of(run))
        kept = _ensure(services, CONFIG_MAP, attempt.task_files(run, files.files, files.checksum), _is_owned_by(run))
        _ensure(services, JOB, attempt.job(run, services.settings), _is_owned_by(run))
    except TakenError as taken:
        return _fail(services, run, Reason.NAME_TAKEN, str(taken))
    carried = kept["metadata"].get("annotations", {}).get(attempt.CHECKSUM)
    if carried != run.status.templates_checksum:  # another revision was first; its files are the ones mounted
        write_status(services, run, run.status.model_copy(update={"templates_checksum": carried}))
    return None


class TakenError(Exception):
    """An object that a run needs is there already and belongs to something else."""


def _ensure(services: Services, kind: Kind, item: Object, ours: Callable[[Object], bool]) -> Object:
    """The object under the name of `item`: created, or found and ours."""
    try:
        return services.cluster.create(kind, item)
    except AlreadyExists:
        name = item["metadata"]["name"]
        found = services.cluster.get(kind, item["metadata"]["namespace"], name)
        if not ours(found):
            raise TakenError(f"{kind.name} {name} belongs to something else; delete it or rename the run") from None
        return found


def _is_owned_by(run: Run) -> Callable[[Object], bool]:
    return lambda found: any(owner["uid"] == run.uid for owner in found["metadata"].get("ownerReferences", ()))


def _is_workspace_of(run: Run) -> Callable[[Object], bool]:
    wanted = attempt.workspace_labels(run)
    return lambda found: attempt.whose_workspace(found["metadata"].get("labels", {})) == wanted


def _cannot_render(services: Services, run: Run, problem: Unrenderable) -> None:
    if problem.final:
        return _fail(services, run, problem.reason, str(problem))
    shown = run.status.succeeded
    if not shown or (shown.reason, shown.message) != (problem.reason, str(problem)):
        now = services.clock()
        status = attempts.pending(
            run, problem.reason, str(problem), now, next_attempt_at=now + services.policy.backoff
        )
        write_status(services, run, status)
    return None


def _fail(services: Services, run: Run, reason: Reason, message: str) -> None:
    """Ends the run; an attempt that is open ends with it, its Job's name taken first."""
    now = services.clock()
    ended = {}
    if run.status.open_attempt:
        fence(services, run)
        ended = attempts.evidence(run, Verdict(False, reason, message), now)
    close(services, run, attempts.end_run(run, State.FAILED, reason, message, now, **ended))
