"""The end of an attempt: when it is over, how it ended, and the status that follows. Pure."""

from collections.abc import Sequence
from datetime import datetime

from functions.runs.lifecycle import actions, job_creation_window, live_job, retries, states, transitions
from functions.runs.lifecycle.actions import Action, Nothing
from functions.runs.lifecycle.observed import Job, NotRead, Observed, Pod
from functions.runs.lifecycle.retries import Policy
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import Verdict, judge
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run


def next_step(seen: Observed, job: Job, now: datetime, policy: Policy) -> Action:
    """Return what follows the end of the attempt's Job, once the agent has ended in every pod."""
    run, pods = seen.run, seen.pods
    if run.status.open_attempt and run.status.open_attempt.outcome:
        return conclude(run, job, now, policy)
    if isinstance(pods, NotRead):
        return actions.ReadPods()
    if not all(pod.agent_ended for pod in pods):  # an agent may outlive its Job's end by its grace period
        wait = live_job.overdue(run, pods, now) or (_left_behind(run, pods) if job.fence else "")
        return live_job.say(run, wait) if wait else Nothing()
    return conclude(run, job, now, policy, pods)


def _left_behind(run: Run, pods: Sequence[Pod]) -> str:
    """Return what the run waits for if its Job was deleted without its pods, which the functions may not delete."""
    names = ", ".join(pod.name for pod in pods if pod.orphaned and not pod.agent_ended)
    if not names:
        return ""
    return f"attempt {run.status.attempt} works on without its Job, which was deleted: delete pod {names} to stop it"


def conclude(run: Run, job: Job, now: datetime, policy: Policy, pods: Sequence[Pod] = ()) -> Action:
    """Return the write of the status that follows the attempt."""
    status = retries.after(run, _verdict(run, job, pods, now, policy), now, policy)
    finished = states.state(status) in states.FINISHED
    return actions.Close(status) if finished else actions.WriteStatus(status)


def is_lost(run: Run, now: datetime) -> bool:
    """Return whether the open attempt's Job, if it does not exist now, may have existed."""
    return states.state(run.status) is State.RUNNING or not job_creation_window.may_create_job(run, now)


def name_taken(run: Run, job: Job, now: datetime) -> Action:
    """Return the end of a run whose Job's name belongs to another object."""
    message = f"Job {job.name} exists and belongs to another object; delete it, or use another run name"
    verdict = Verdict(False, Reason.NAME_TAKEN, message)
    gained = transitions.evidence(run, verdict, now)
    return actions.Close(transitions.end_run(run, State.FAILED, verdict.reason, message, now, **gained))


def _verdict(run: Run, job: Job, pods: Sequence[Pod], now: datetime, policy: Policy) -> Verdict:
    attempt = run.status.open_attempt
    if attempt and attempt.outcome:
        return Verdict.from_outcome(attempt.outcome)
    verdict = judge(job, pods)
    if verdict.succeeded:
        return verdict
    if run.spec is None:
        return Verdict(False, Reason.INVALID_SPEC, run.spec_error, verdict.report)
    shown, never_began = run.status.succeeded, job.fence and not is_lost(run, now)
    if shown and (job.is_being_stopped or never_began) and policy.gives_up(run, now):
        return Verdict(False, Reason(shown.reason), f"gave up waiting: {shown.message}", verdict.report)
    if never_began and transitions.outdated(run):
        message = "the spec changed before its Job was created; the next attempt is made from the spec as it is"
        return Verdict(False, Reason.SPEC_CHANGED, message, verdict.report)
    return _requeued(run, job, pods, verdict) or verdict


def _requeued(run: Run, job: Job, pods: Sequence[Pod], verdict: Verdict) -> Verdict | None:
    """Return the verdict over an attempt that ended because it was queued, which is no failure; else None."""
    shown = run.status.succeeded
    if shown and job.suspended and states.state(run.status) is State.RUNNING:
        return Verdict(False, Reason.REQUEUED, shown.message, verdict.report)
    if shown and shown.reason == Reason.QUEUED and not pods:  # the Job's deadline ran while it had no room
        return Verdict(False, Reason.REQUEUED, shown.message, verdict.report)
    return None
