"""Decides the next action for a run from what was observed. Pure.

The caller performs the action and, if it only read or prepared something, asks again with the result. Each answer
follows from the present state alone, so that any process may ask at any time, any number of times.
"""

from datetime import datetime

from functions.runs.api_group import FINALIZER, FINISHED
from functions.runs.lifecycle import actions, attempt_end, budget, job_creation_window, live_job, states, transitions
from functions.runs.lifecycle.actions import Action, Nothing
from functions.runs.lifecycle.lifecycle_events import unpublished
from functions.runs.lifecycle.observed import Job, JobForbidden, NotRead, Observed, absent_job
from functions.runs.lifecycle.retries import Policy
from functions.runs.lifecycle.states import State
from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run


def decide(seen: Observed, now: datetime, policy: Policy) -> Action:
    """Return the next step for the run; Nothing if it is where it should be."""
    run = seen.run
    if run.deleting:
        return _held(run, seen.job) if run.is_released else actions.Release()
    if run.status_error:
        return Nothing()  # a newer version wrote it, which can continue
    has_ended = states.state(run.status) in states.FINISHED
    if FINISHED in run.labels and not (has_ended and run.is_marked_finished):
        return actions.ReopenForSweep()  # a label that was copied with a manifest hides the run from the sweep
    if has_ended:
        return _after_the_end(run, now, policy)
    if not _is_adopted(run):
        return actions.Adopt()
    if run.status.context_version is not None and run.retry_wanted:
        retried = transitions.reopen if run.status.may_retry_now else transitions.refuse_retry
        return actions.WriteStatus(retried(run, now))
    if run.status.open_attempt is None:
        return _between_attempts(run, now)
    return _under_way(seen, now, policy)


def _held(run: Run, job: Job | JobForbidden | NotRead | None) -> Action:
    """Return what a deleted run needs that others hold: a function that was late may have created its Job."""
    if not isinstance(job, Job) or job.owner_uid != run.uid:
        return Nothing()
    return Nothing() if job.ended or job.fence or job.is_being_stopped else actions.PreventPods()


def _is_adopted(run: Run) -> bool:
    """Return whether our finalizer and labels are set; labels of an open attempt stay as they were at its start."""
    labels = naming.run_labels(run.spec) if run.spec and not transitions.outdated(run) else {}
    return FINALIZER in run.finalizers and labels.items() <= run.labels.items()


def _after_the_end(run: Run, now: datetime, policy: Policy) -> Action:
    """Return what a finished run needs. A retry is taken up also if it is cancelled: the run then ends as Cancelled."""
    if run.retry_wanted:
        return actions.ReopenForSweep() if FINISHED in run.labels else actions.WriteStatus(transitions.reopen(run, now))
    if run.is_stale:
        return actions.WriteStatus(transitions.observed_generation(run))
    if run.is_marked_finished or (policy.reports and unpublished(run.status)):
        return Nothing()
    return actions.Close(run.status)


def _between_attempts(run: Run, now: datetime) -> Action:
    if run.cancel:
        message = "cancelled while no attempt was under way" + transitions.pushed(run, run.status.attempts)
        return actions.Close(transitions.end_run(run, State.CANCELLED, Reason.CANCELLED, message, now))
    if run.spec is None:
        return actions.Close(transitions.end_run(run, State.FAILED, Reason.INVALID_SPEC, run.spec_error, now))
    if run.status.next_attempt_at and run.status.next_attempt_at > now:
        return Nothing()
    spent = budget.spent(run, run.status.usage)
    if spent:
        return actions.Close(transitions.end_run(run, State.FAILED, *spent, now))
    return actions.Start(transitions.start(run, now))


def _under_way(seen: Observed, now: datetime, policy: Policy) -> Action:
    run, job = seen.run, seen.job
    if isinstance(job, NotRead):
        return actions.ReadJob()
    if isinstance(job, JobForbidden):
        return _unfenced(seen, job, now, policy)
    if job is None:
        return _without_job(run, now, policy)
    if job.owner_uid != run.uid:
        return attempt_end.name_taken(run, job, now)
    if job.ended or job.fence:
        return attempt_end.next_step(seen, job, now, policy)
    if run.status.open_attempt and run.status.open_attempt.outcome:
        if job.suspended:  # its deadline would begin anew when it is resumed, and its agent with it
            return actions.PreventPods()
        return attempt_end.conclude(run, job, now, policy) if job.is_being_stopped else actions.Stop()
    return _with_live_job(seen, job, now, policy)


def _with_live_job(seen: Observed, job: Job, now: datetime, policy: Policy) -> Action:
    run, pods = seen.run, seen.pods
    if not run.cancel:
        return live_job.next_step(seen, job, now, policy)
    if not isinstance(pods, NotRead) and (wait := live_job.overdue(run, pods, now)):
        return live_job.say(run, wait)
    return live_job.stop(seen, job)


def _without_job(run: Run, now: datetime, policy: Policy) -> Action:
    """Return the creation of a STARTING attempt's Job, or else the end of the attempt, which reserves its name first.

    The Job of a RUNNING attempt is lost, and so may be that of one recorded so long ago that it can have ended unseen.
    An attempt recorded for another spec is not created either: some of what it needs may exist, made from the old one.
    """
    gives_up = run.cancel or run.spec is None or policy.gives_up(run, now)
    if gives_up or attempt_end.is_lost(run, now) or transitions.outdated(run):
        return actions.Fence()
    if not job_creation_window.is_fresh(run, now):
        return actions.WriteStatus(job_creation_window.refreshed(run, now))
    return actions.CreateResources()


def _unfenced(seen: Observed, forbidden: JobForbidden, now: datetime, policy: Policy) -> Action:
    """Return what follows if the cluster rejects even a placeholder Job.

    The attempt ends after the creation window, when no handler can create its Job any more.
    """
    run = seen.run
    if job_creation_window.job_may_still_appear(run, now):
        blocked = job_creation_window.blocked(run, forbidden.why)
        return Nothing() if blocked == run.status else actions.WriteStatus(blocked)
    return attempt_end.next_step(seen, absent_job(run.status.job_name or "", run.uid), now, policy)
