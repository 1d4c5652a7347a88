"""What to do next with a run: pure, from what was observed to one action.

The caller performs the action and, where the action only looked or prepared, asks again with what it learned. Each
question is answered from the present state alone, so that it may be asked by anyone, at any time, any number of
times.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.runs.api_group import FINALIZER, FINISHED
from functions.runs.lifecycle import actions, budget, job_creation_window, live_job, retries, states, transitions
from functions.runs.lifecycle.actions import Action, Nothing
from functions.runs.lifecycle.lifecycle_events import unpublished
from functions.runs.lifecycle.observed import Job, JobForbidden, NotRead, Observed, Pod, absent_job
from functions.runs.lifecycle.retries import Policy
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import Verdict, judge
from functions.runs.model import naming
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run


def decide(seen: Observed, now: datetime, policy: Policy) -> Action:
    """The next step for the run; Nothing when it is where it should be."""
    run = seen.run
    if run.deleting:
        return actions.Release() if FINALIZER in run.finalizers else Nothing()
    if run.status_error:
        return Nothing()  # a newer revision wrote it, which knows what to do
    if FINISHED in run.labels and not run.is_marked_finished:
        return actions.ReopenForSweep()  # a label that was copied with a manifest hides the run from the sweep
    if states.state(run.status) in states.FINISHED:
        return _after_the_end(run, now, policy)
    if not _adopted(run):
        return actions.Adopt()
    if run.status.context_version is not None and run.retry_wanted:
        return actions.WriteStatus(transitions.refuse_retry(run, now))
    if run.status.open_attempt is None:
        return _between_attempts(run, now, policy)
    return _under_way(seen, now, policy)


HANDLER_GRACE = timedelta(seconds=10)
"""How long after recording an attempt its own handler may still be creating what it named."""


def needs_no_reconcile(run: Run, now: datetime) -> bool:
    """Whether a run, as an event shows it, leaves nothing to do: the one thing that may be decided from an event.

    A recorded attempt is left to the handler that recorded it: were that one to die, its own event comes again.
    """
    state = states.state(run.status)
    if run.deleting:
        return FINALIZER not in run.finalizers
    if state in states.FINISHED:
        return run.is_marked_finished and not run.retry_wanted and not _is_stale(run)
    if FINISHED in run.labels or run.cancel or run.retry_wanted:
        return False
    if state is State.WAITING:
        return _queued(run) or (run.status.next_attempt_at is not None and run.status.next_attempt_at > now)
    recorded = run.status.last_update
    return state is State.RUNNING or (recorded is not None and now - recorded < HANDLER_GRACE)


def _queued(run: Run) -> bool:
    """Whether the run is in the line: whoever frees a place, and the sweep, come to it."""
    return run.status.succeeded is not None and run.status.succeeded.reason == Reason.QUEUED


def agent_is_running(run: Run) -> bool:
    """Whether the run's agent works and nobody wants it to stop: then its Job and the sweep move it on, no event."""
    asked = run.deleting or run.cancel or run.retry_wanted
    return states.state(run.status) is State.RUNNING and not asked


def _adopted(run: Run) -> bool:
    """Return whether our finalizer and labels are set; labels of an open attempt stay as they were at its start."""
    labels = naming.run_labels(run.spec) if run.spec and not transitions.outdated(run) else {}
    return FINALIZER in run.finalizers and labels.items() <= run.labels.items()


def _is_stale(run: Run) -> bool:
    """Return whether the spec changed after the status was written; tools read that as work in progress."""
    return run.status.observed_generation != run.generation


def is_final(run: Run) -> bool:
    """Whether the run is finished and nobody wants it tried again."""
    return states.state(run.status) in states.FINISHED and not run.retry_wanted


def _after_the_end(run: Run, now: datetime, policy: Policy) -> Action:
    """A retry is taken up also where it is cancelled already: the run ends as Cancelled, whoever came first."""
    if run.retry_wanted:
        return actions.ReopenForSweep() if FINISHED in run.labels else actions.WriteStatus(transitions.reopen(run, now))
    if _is_stale(run):
        return actions.WriteStatus(transitions.observed_generation(run))
    if run.is_marked_finished or (policy.reports and unpublished(run.status)):
        return Nothing()
    return actions.Close(run.status)


def _between_attempts(run: Run, now: datetime, policy: Policy) -> Action:
    if run.cancel:
        message = "cancelled while no attempt was under way"
        return actions.Close(transitions.end_run(run, State.CANCELLED, Reason.CANCELLED, message, now))
    if run.spec is None:
        return actions.Close(transitions.end_run(run, State.FAILED, Reason.INVALID_SPEC, run.spec_error, now))
    if run.status.next_attempt_at and run.status.next_attempt_at > now:
        return Nothing()
    shown = run.status.succeeded
    if shown and policy.gives_up(run, now):
        message = f"gave up waiting: {shown.message}"
        return actions.Close(transitions.end_run(run, State.FAILED, Reason(shown.reason), message, now))
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
        return _foreign(run, job, now)
    if job.ended or job.fence:
        return _ended(seen, job, now, policy)
    if run.status.open_attempt and run.status.open_attempt.outcome:
        return _conclude(run, job, now, policy) if job.is_being_stopped else actions.Stop()
    return _alive(seen, job, now, policy)


def _alive(seen: Observed, job: Job, now: datetime, policy: Policy) -> Action:
    run, pods = seen.run, seen.pods
    if not run.cancel:
        return live_job.next_step(seen, job, now, policy)
    if not isinstance(pods, NotRead) and (wait := live_job.overdue(run, pods, now)):
        return live_job.say(run, wait)
    return live_job.stop(seen, job)


def _without_job(run: Run, now: datetime, policy: Policy) -> Action:
    """The Job of a STARTING attempt is made; that of a RUNNING one is lost, and its name is taken for good.

    So is that of an attempt recorded so long ago that its Job may have ended unseen. An attempt recorded for another
    spec is not made either: some of what it needs may be there, made from the old one.
    """
    if _lost(run, now) or transitions.outdated(run) or run.cancel or run.spec is None or policy.gives_up(run, now):
        return actions.Fence()
    if not job_creation_window.is_fresh(run, now):
        return actions.WriteStatus(job_creation_window.refreshed(run, now))
    return actions.CreateResources()


def _lost(run: Run, now: datetime) -> bool:
    """Whether the open attempt's Job, where it is not there, may have been there."""
    return states.state(run.status) is State.RUNNING or not job_creation_window.may_create_job(run, now)


def _unfenced(seen: Observed, refused: JobForbidden, now: datetime, policy: Policy) -> Action:
    """Nobody may make the attempt's Job, not even to take its name: it ends once nobody would make it any more."""
    run = seen.run
    if job_creation_window.job_may_still_appear(run, now):
        held = job_creation_window.blocked(run, refused.why)
        return Nothing() if held == run.status else actions.WriteStatus(held)
    return _ended(seen, absent_job(run.status.job_name or "", run.uid), now, policy)


def _foreign(run: Run, job: Job, now: datetime) -> Action:
    message = f"Job {job.name} is there already and belongs to something else; delete it, or use another run name"
    verdict = Verdict(False, Reason.NAME_TAKEN, message)
    gained = transitions.evidence(run, verdict, now)
    return actions.Close(transitions.end_run(run, State.FAILED, verdict.reason, message, now, **gained))


def _ended(seen: Observed, job: Job, now: datetime, policy: Policy) -> Action:
    run, pods = seen.run, seen.pods
    if run.status.open_attempt and run.status.open_attempt.outcome:
        return _conclude(run, job, now, policy)
    if isinstance(pods, NotRead):
        return actions.ReadPods()
    if not all(pod.agent_ended for pod in pods):  # an agent may outlive its Job's end by its grace period
        wait = live_job.overdue(run, pods, now)
        return live_job.say(run, wait) if wait else Nothing()
    return _conclude(run, job, now, policy, pods)


def _conclude(run: Run, job: Job, now: datetime, policy: Policy, pods: Sequence[Pod] = ()) -> Action:
    status = retries.after(run, _verdict(run, job, pods, now, policy), now, policy)
    finished = states.state(status) in states.FINISHED
    return actions.Close(status) if finished else actions.WriteStatus(status)


def _verdict(run: Run, job: Job, pods: Sequence[Pod], now: datetime, policy: Policy) -> Verdict:
    attempt = run.status.open_attempt
    if attempt and attempt.outcome:
        return Verdict.from_outcome(attempt.outcome)
    verdict = judge(job, pods)
    if verdict.succeeded:
        return verdict
    if run.spec is None:
        return Verdict(False, Reason.INVALID_SPEC, run.spec_error, verdict.report)
    shown, never_began = run.status.succeeded, job.fence and not _lost(run, now)
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
