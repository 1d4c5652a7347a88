"""Moves one run towards its goal: observe, decide, act, until nothing is left to do now.

Every function that moves a run does so here. If two processes move a run at one time, the second meets a Conflict,
reads the run and decides again.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from functions.cluster.errors import ClusterError, Conflict, Forbidden, NotFound, WebhookRefused
from functions.reconciler import actions, attempt, attempt_objects, observation
from functions.runs.lifecycle import actions as decided
from functions.runs.lifecycle import states, transitions
from functions.runs.lifecycle.decide import decide
from functions.runs.lifecycle.event_filters import agent_is_running
from functions.runs.lifecycle.observed import NOT_READ, Job, JobForbidden, NotRead, Observed, Pod
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import MESSAGE_LENGTH
from functions.serving.dependencies import Dependencies
from functions.telemetry import context

log = logging.getLogger("orchestrator")

MAX_STEPS = 12
"""Actions in one go: twice what the longest way through a run's life takes."""

READS = (decided.ReadJob, decided.ReadPods, decided.ReadEvents)
"""Actions that change nothing, and are not recorded as taken."""

WRITES = (decided.Start, decided.WriteStatus, decided.Close)
"""Actions that write a status."""


@dataclass(frozen=True, slots=True)
class Preloaded:
    """Objects of a run's attempt that the caller has already listed; NOT_READ is read when it is needed."""

    job: Job | NotRead | None = NOT_READ
    pods: Sequence[Pod] | NotRead = NOT_READ


@dataclass(frozen=True, slots=True)
class ActionTaken:
    """An action that was taken, and the reason that the run shows with it."""

    action: str
    reason: str


def reconcile(deps: Dependencies, kind: str, namespace: str, name: str, taken: list[ActionTaken] | None = None) -> None:
    """Read the run and take it as far as it can go now. A deleted run needs nothing, nor one whose agent works.

    The actions are added to `taken`, also if an error ends this.

    Raises:
        ClusterError: the API server did not do as asked; the same call later continues.
    """
    try:
        run = deps.runs.get(kind, namespace, name)
        if not agent_is_running(run):
            run_steps(deps, run, Preloaded(), taken)
    except NotFound:
        log.info("the run was deleted", extra={"run": f"{namespace}/{name}"})


def run_steps(deps: Dependencies, run: Run, known: Preloaded, taken: list[ActionTaken] | None = None) -> None:
    """Take the run, as just read, as far as it can go now; add the actions to `taken`. Raises ClusterError."""
    context.bind_run(run)
    if run.status_error:
        log.warning("left alone: its status cannot be read: %s", run.status_error, extra={"run": run.key})
    observed = Observed(run, known.job, known.pods)
    for _ in range(MAX_STEPS):
        action = decide(observed, deps.clock(), deps.policy)
        if isinstance(action, decided.Nothing):
            return
        after = _step(deps, observed, action, taken)
        if after is None:
            return
        observed = after
    raise Conflict(f"run {run.key} needs more than {MAX_STEPS} steps; the next event continues")


def _step(
    deps: Dependencies, observed: Observed, action: decided.Action, taken: list[ActionTaken] | None
) -> Observed | None:
    """Take the action; return what is observed after it, or None if nothing more is to be done now."""
    run = observed.run
    log.info("%s", type(action).__name__, extra={"run": run.key, "attempt": run.status.attempt})
    try:
        after = _perform(deps, observed, action)
    except Conflict:
        return Observed(deps.runs.reread(run))
    except Forbidden as error:
        _show_missing_right(deps, run, error)
        raise
    if taken is not None and not isinstance(action, READS):
        shown = (action.status if isinstance(action, WRITES) else run.status).succeeded
        taken.append(ActionTaken(type(action).__name__, shown.reason if shown else ""))
    return after


def _show_missing_right(deps: Dependencies, run: Run, error: Forbidden) -> None:
    """Let the status of an unfinished run say what the cluster forbids, as far as it can be written."""
    state, message = states.state(run.status), f"{_FORBIDDEN}: {error}"
    if state in states.FINISHED or run.status_error:
        return
    with suppress(ClusterError):
        if state is State.WAITING and not run.deleting:
            attempt.wait_for_fix(deps, run, Reason.CONFIGURATION_ERROR, message)
        elif not _is_shown(run, message, error):
            deps.runs.write_status(run, transitions.says(run, message))


_FORBIDDEN = "the cluster forbids the next step"


def _is_shown(run: Run, message: str, error: Forbidden) -> bool:
    """Return whether the message need not be written: each write makes an event, which tries the step again."""
    shown = run.status.message or ""
    return shown.startswith(_FORBIDDEN if isinstance(error, WebhookRefused) else message[:MESSAGE_LENGTH])


def _perform(deps: Dependencies, observed: Observed, action: decided.Action) -> Observed | None:
    run = observed.run
    match action:
        case decided.ReadJob():
            return replace(observed, job=observation.read_job(deps, run))
        case decided.ReadPods():
            return replace(observed, pods=observation.read_pods(deps, run))
        case decided.ReadEvents(name, kind):
            return observation.read_events(deps, observed, name, kind)
        case decided.Fence():
            refused, job = attempt_objects.fence(deps, run), observation.read_job(deps, run)
            return replace(observed, job=JobForbidden(refused) if refused and job is None else job)
        case decided.PreventPods():
            actions.prevent_pods(deps, run)
            return replace(observed, job=observation.read_job(deps, run), pods=NOT_READ)
        case decided.Adopt():
            return replace(observed, run=actions.adopt(deps, run))
        case decided.ReopenForSweep():
            return replace(observed, run=actions.reopen_for_sweep(deps, run))
        case decided.WriteStatus(status):
            return replace(observed, run=deps.runs.write_status(run, status))
        case decided.Start(status):
            attempt.start(deps, run, status)
        case decided.CreateResources():
            attempt.create_resources(deps, run)
        case decided.Stop():
            live, suspended = observed.job, actions.stop(deps, run)
            if not isinstance(live, Job):
                return None
            return replace(observed, job=replace(live, is_being_stopped=True, suspended=suspended))
        case decided.Close(status):
            actions.close(deps, run, status)
        case decided.Release():
            actions.release(deps, run)
    return None
