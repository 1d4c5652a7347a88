"""An attempt whose Job is made and whose agent was not seen yet: it works, is stuck, or says nothing. Pure.

What counts is the pod as it is: a run is given up only while its pod is stuck *now*, whatever its status shows of
an obstacle that went away.
"""

from datetime import datetime, timedelta

from functions.runs.lifecycle import actions, states, transitions
from functions.runs.lifecycle.actions import Action, Nothing
from functions.runs.lifecycle.observed import Job, NotRead, Observed
from functions.runs.lifecycle.retries import Policy
from functions.runs.lifecycle.states import State
from functions.runs.model.reasons import FollowUp, Reason, follow_up
from functions.runs.model.run import Run

PATIENCE = timedelta(seconds=15)
"""How long a pod may take to start before Events are read: it is made and its volumes mounted within seconds, or
they say why not."""


def next_step(seen: Observed, job: Job, now: datetime, policy: Policy) -> Action:
    """What the live Job of a run needs next."""
    run, pods = seen.run, seen.pods
    if job.is_being_stopped or states.state(run.status) is State.RUNNING:
        return Nothing()
    if job.ready or (not isinstance(pods, NotRead) and any(pod.running for pod in pods)):
        return actions.WriteStatus(transitions.running(run, now))
    if isinstance(pods, NotRead):
        return actions.ReadPods() if policy.gives_up(run, now) else Nothing()
    stuck = next((pod.waiting for pod in pods if pod.waiting), job.pod_rejection)
    if stuck and not isinstance(stuck, NotRead):
        return _stuck(seen, job, stuck, now, policy)
    if _took(run, now) >= PATIENCE:
        if silent := next((pod for pod in pods if pod.unexplained), None):
            return actions.ReadEvents(silent.name)
        if job.has_no_pod and not pods and isinstance(job.pod_rejection, NotRead):
            return actions.ReadEvents(job.name, "Job")
    shown = run.status.succeeded
    gone = shown is not None and follow_up(shown.reason) is FollowUp.WAIT_FOR_FIX
    return actions.WriteStatus(transitions.unblocked(run, now)) if gone else Nothing()


def _stuck(seen: Observed, job: Job, why: tuple[Reason, str], now: datetime, policy: Policy) -> Action:
    run, shown = seen.run, seen.run.status.succeeded
    if shown is None or shown.reason != why[0]:
        return actions.WriteStatus(transitions.pending(run, *why, now))
    return stop(seen, job) if policy.gives_up(run, now) else Nothing()


def stop(seen: Observed, job: Job) -> Action:
    """How a live Job is kept from going on: by its deadline, if that runs, which it may not while there is no pod."""
    if job.suspended:
        return actions.PreventPods()
    if job.has_no_pod and states.state(seen.run.status) is State.STARTING:
        if isinstance(seen.pods, NotRead):
            return actions.ReadPods()
        if not seen.pods:
            return actions.PreventPods()
    return Nothing() if job.is_being_stopped else actions.Stop()


def _took(run: Run, now: datetime) -> timedelta:
    attempt = run.status.open_attempt
    return now - attempt.started_at if attempt else timedelta()
