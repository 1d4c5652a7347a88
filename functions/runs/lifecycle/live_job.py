"""Decides the next action for a live Job: it starts, works, is stuck or queued, or its agent has ended. Pure.

What counts is the pod as it is: a run is given up only while its pod is stuck *now*, whatever its status shows of an
obstacle that has gone away.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.runs.lifecycle import actions, job_creation_window, states, transitions
from functions.runs.lifecycle.actions import Action, Nothing
from functions.runs.lifecycle.observed import Cause, Job, NotRead, Observed, Pod
from functions.runs.lifecycle.retries import Policy
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import judge
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run

READ_EVENTS_AFTER = timedelta(seconds=15)
"""How long a pod may take to start before Events are read: it is created and its volumes mounted within seconds, or
they say why not."""

PROGRESS_SHOWN_AFTER = timedelta(minutes=1)
"""How long a start may take before the status says what it waits for."""

ENDS_WITHIN = timedelta(minutes=1)
"""How long a pod may take to end after its agent: the kubelet stops native sidecars, and the broker ends by itself."""


def next_step(seen: Observed, job: Job, now: datetime, policy: Policy) -> Action:
    """Return what the live Job of a run needs next."""
    run, pods = seen.run, seen.pods
    if job.suspended:
        return _suspended(seen, job, now)
    if not isinstance(pods, NotRead) and (wait := overdue(run, pods, now)):
        return say(run, wait)
    if job.is_being_stopped:
        return Nothing()
    if not isinstance(pods, NotRead) and _outlives_agent(pods, now):
        return actions.WriteStatus(transitions.agent_ended(run, judge(job, pods), now))
    if states.state(run.status) is State.RUNNING:
        return actions.ReadPods() if isinstance(pods, NotRead) and job.may_outlive_agent else _show_running(run)
    if job.ready or (not isinstance(pods, NotRead) and any(pod.running for pod in pods)):
        return actions.WriteStatus(transitions.running(run, now))
    if isinstance(pods, NotRead):
        return actions.ReadPods() if policy.gives_up(run, now) else Nothing()
    return _starting(seen, job, pods, now, policy)


def _starting(seen: Observed, job: Job, pods: Sequence[Pod], now: datetime, policy: Policy) -> Action:
    run = seen.run
    stuck = next((pod.waiting for pod in pods if pod.waiting), job.pod_rejection)
    if stuck and not isinstance(stuck, NotRead):
        return _stuck(seen, job, stuck, now, policy)
    if _took(run, now) >= READ_EVENTS_AFTER:
        if pod := next((pod for pod in pods if pod.unexplained), None):
            return actions.ReadEvents(pod.name)
        if job.has_no_pod and not pods and isinstance(job.pod_rejection, NotRead):
            return actions.ReadEvents(job.name, "Job")
    shown = run.status.succeeded
    if (shown and shown.reason == Reason.QUEUED) or run.status.waits_for_fix:
        return actions.WriteStatus(transitions.unblocked(run, now))
    return _show_progress(run, pods, now)


def _show_progress(run: Run, pods: Sequence[Pod], now: datetime) -> Action:
    words = "; ".join(pod.progress for pod in pods if pod.progress)
    if not words or _took(run, now) < PROGRESS_SHOWN_AFTER:
        return Nothing()
    return say(run, f"{transitions.starting_message(run.status.attempt)}: {words}")


def say(run: Run, message: str) -> Action:
    """Return the write of this message, if the status does not say it already."""
    status = transitions.says(run, message)
    return Nothing() if status.message == run.status.message else actions.WriteStatus(status)


def _show_running(run: Run) -> Action:
    """Return the write of the running state's message where the last one tells of a wait that is over."""
    message, shown = transitions.running_message(run.status.attempt), run.status.succeeded
    is_shown = shown is not None and shown.message == message
    return Nothing() if is_shown else actions.WriteStatus(transitions.says(run, message))


def overdue(run: Run, pods: Sequence[Pod], now: datetime) -> str:
    """Return what the run waits for while a pod is not deleted in its grace period; empty if there is none."""
    late = [pod.progress for pod in pods if not pod.terminal and pod.deletion_due and pod.deletion_due <= now]
    return f"attempt {run.status.attempt} waits until its pod is gone: {'; '.join(late)}" if late else ""


def _outlives_agent(pods: Sequence[Pod], now: datetime) -> bool:
    """Return whether the agent has ended in every pod, and a pod would not end by itself soon."""
    if not pods or not all(pod.agent_ended for pod in pods):
        return False
    return any(_stays_open(pod, now) for pod in pods if not pod.terminal)


def _stays_open(pod: Pod, now: datetime) -> bool:
    return bool(pod.held_open_by) or pod.agent_ended_at is None or now - pod.agent_ended_at >= ENDS_WITHIN


def _suspended(seen: Observed, job: Job, now: datetime) -> Action:
    """Show that a suspended Job is queued; end an attempt whose agent was running: its pod will not come back."""
    run, shown = seen.run, seen.run.status.succeeded
    if shown and shown.reason == Reason.QUEUED:
        return Nothing()
    if isinstance(job.pod_rejection, NotRead):
        return actions.ReadEvents(job.name, "Job")
    words = job.pod_rejection[1] if job.pod_rejection else "waits until it is resumed"
    message = f"its Job is suspended: {words}"
    if states.state(run.status) is State.RUNNING:
        return _evicted(seen, message)
    return actions.WriteStatus(transitions.pending(run, Reason.QUEUED, message, now))


def _evicted(seen: Observed, message: str) -> Action:
    said = say(seen.run, message)
    if said != Nothing():
        return said
    if isinstance(seen.pods, NotRead):
        return actions.ReadPods()
    return actions.PreventPods() if all(pod.terminal for pod in seen.pods) else Nothing()


def _stuck(seen: Observed, job: Job, cause: Cause, now: datetime, policy: Policy) -> Action:
    run, shown = seen.run, seen.run.status.succeeded
    if shown is None or shown.reason != cause[0]:
        until = policy.pending_until(run, cause[0], now)
        return actions.WriteStatus(transitions.pending(run, *cause, now, pending_until=until))
    if policy.gives_up(run, now):
        return stop(seen, job)
    return _create_again(run, now) if _names_missing_object(run, cause[1]) else Nothing()


def _names_missing_object(run: Run, words: str) -> bool:
    """Return whether the cluster misses the workspace or the task files, which were created before the Job."""
    ours = (run.status.workspace_name, run.status.config_map_name)
    return "not found" in words and any(f'"{name}"' in words for name in ours if name)


def _create_again(run: Run, now: datetime) -> Action:
    if not job_creation_window.may_create_job(run, now):
        return Nothing()
    if not job_creation_window.is_fresh(run, now):
        return actions.WriteStatus(job_creation_window.refreshed(run, now))
    return actions.CreateResources()


def stop(seen: Observed, job: Job) -> Action:
    """Return how to keep a live Job from going on: by its deadline, which may not run while there is no pod."""
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
