"""Drives one run towards its goal: observe, decide, act, until nothing is left to do.

Every function that moves a run does it through here, so that there is one way a run moves. Whoever is second finds
the run further on (409) and decides again from what is there.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from functions.cluster.errors import Conflict, NotFound
from functions.cluster.kinds import EVENT, JOB, POD
from functions.reconciler import actions as acting
from functions.reconciler import attempt
from functions.runs.lifecycle import actions, event_diagnosis, job_events
from functions.runs.lifecycle.decide import agent_is_running, decide
from functions.runs.lifecycle.observed import NOT_READ, Job, JobForbidden, NotRead, Observed, Pod, parse_job, parse_pod
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.telemetry import context

log = logging.getLogger("orchestrator")

STEPS = 12
"""Most actions in one go: twice what the longest way through a run's life takes."""


@dataclass(frozen=True, slots=True)
class Preloaded:
    """What the caller has read of a run's attempt already, by listing; UNREAD is read when it is needed."""

    job: Job | NotRead | None = NOT_READ
    pods: Sequence[Pod] | NotRead = NOT_READ


@dataclass(frozen=True, slots=True)
class ActionTaken:
    """An action that was taken, and the reason that the run shows with it."""

    action: str
    reason: str


LOOKS = (actions.ReadJob, actions.ReadPods, actions.ReadEvents)


def reconcile(
    services: Dependencies, kind: str, namespace: str, name: str, taken: list[ActionTaken] | None = None
) -> None:
    """Takes the run as far as it goes now. A run that is gone needs nothing; nor does one whose agent works.

    What is done for it is added to `taken`, also where it ends with an error.

    Raises:
        ClusterError: the API server did not do as asked; the same call later goes on from where this one came to.
    """
    try:
        run = services.runs.get(kind, namespace, name)
        if not agent_is_running(run):
            run_steps(services, run, Preloaded(), taken)
    except NotFound:
        log.info("gone", extra={"run": f"{namespace}/{name}"})


def run_steps(services: Dependencies, run: Run, known: Preloaded, taken: list[ActionTaken] | None = None) -> None:
    """Takes the run, as just read, as far as it goes now; adds to `taken` what it did. Raises a ClusterError."""
    context.bind_run(run)
    if run.status_error:
        log.warning("is left alone, its status cannot be read: %s", run.status_error, extra={"run": run.key})
    seen = Observed(run, known.job, known.pods)
    for _ in range(STEPS):
        action = decide(seen, services.clock(), services.policy)
        if isinstance(action, actions.Nothing):
            return
        log.info("%s", type(action).__name__, extra={"run": run.key, "attempt": run.status.attempt})
        try:
            after = _perform(services, seen, action)
        except Conflict:
            run = seen.run
            after = Observed(services.runs.reread(run))
        else:
            _note(taken, seen.run, action)
        if after is None:
            return
        seen = after
    raise Conflict(f"run {run.key} did not settle in {STEPS} steps; it is decided again with the next event")


def _note(taken: list[ActionTaken] | None, run: Run, action: actions.Action) -> None:
    if taken is not None and not isinstance(action, LOOKS):
        shown = getattr(action, "status", run.status).succeeded
        taken.append(ActionTaken(type(action).__name__, shown.reason if shown else ""))


def _perform(services: Dependencies, seen: Observed, action: actions.Action) -> Observed | None:
    """What is known after the action; None where nothing more is to be done now."""
    run = seen.run
    match action:
        case actions.ReadJob():
            return replace(seen, job=_job(services, run))
        case actions.ReadPods():
            return replace(seen, pods=_pods(services, run))
        case actions.ReadEvents(name, kind):
            return _diagnosed(seen, name, _events(services, run, name, kind))
        case actions.Fence():
            refused = attempt.fence(services, run)
            found = _job(services, run)
            return replace(seen, job=JobForbidden(refused) if refused and found is None else found)
        case actions.PreventPods():
            acting.withdraw(services, run)
            return replace(seen, job=_job(services, run), pods=NOT_READ)
        case actions.Adopt():
            return replace(seen, run=acting.adopt(services, run))
        case actions.ReopenForSweep():
            return replace(seen, run=acting.unmark(services, run))
        case actions.WriteStatus(status):
            return replace(seen, run=services.runs.write_status(run, status))
        case actions.Start(status):
            attempt.start(services, run, status)
        case actions.CreateResources():
            attempt.create_resources(services, run)
        case actions.Stop():
            acting.stop(services, run)
        case actions.Close(status):
            acting.close(services, run, status)
        case actions.Release():
            acting.release(services, run)
    return None


def _job(services: Dependencies, run: Run) -> Job | None:
    try:
        return parse_job(services.cluster.get(JOB, run.namespace, run.status.job_name or ""))
    except NotFound:
        return None


def _pods(services: Dependencies, run: Run) -> list[Pod]:
    selector = f"job-name={run.status.job_name}"
    return [parse_pod(raw) for raw in services.cluster.list(POD, run.namespace, selector)]


def _events(services: Dependencies, run: Run, name: str, kind: str) -> list[Mapping[str, Any]]:
    about = f"involvedObject.kind={kind},involvedObject.name={name}"
    return list(services.cluster.list(EVENT, run.namespace, fields=about))


def _diagnosed(seen: Observed, name: str, events: Sequence[Mapping[str, Any]]) -> Observed:
    """What was seen, with what the Events of this pod, or of the Job, say of it."""
    if isinstance(seen.job, Job) and seen.job.name == name:
        return replace(seen, job=replace(seen.job, pod_rejection=job_events.job_diagnosis(events)))
    pods = () if isinstance(seen.pods, NotRead) else seen.pods
    found = event_diagnosis.pod_diagnosis(events)
    return replace(
        seen, pods=[replace(pod, waiting=found, unexplained=False) if pod.name == name else pod for pod in pods]
    )
