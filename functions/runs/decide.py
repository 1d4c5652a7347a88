"""What to do next with a run: pure, from what was observed to one action.

The caller performs the action and, where the action only looked or prepared, asks again with what it learned. Each
question is answered from the present state alone, so that it may be asked by anyone, at any time, any number of
times.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.runs import actions, attempts, budget, lifecycle, naming, retries
from functions.runs.actions import Action, Nothing
from functions.runs.group import FINALIZER, FINISHED
from functions.runs.lifecycle import State
from functions.runs.milestones import untold
from functions.runs.observed import Job, Observed, Pod, Unread
from functions.runs.reasons import Reason
from functions.runs.retries import Policy
from functions.runs.run import Run
from functions.runs.specs import CodeRunSpec
from functions.runs.verdict import Verdict, judge


def decide(seen: Observed, now: datetime, policy: Policy) -> Action:
    """The next step for the run; Nothing when it is where it should be."""
    run = seen.run
    if run.deleting:
        return actions.Release() if FINALIZER in run.finalizers else Nothing()
    if lifecycle.state(run.status) in lifecycle.FINISHED:
        return _after_the_end(run, now, policy)
    if not _adopted(run):
        return actions.Adopt()
    if run.status.context_version is not None and _retry_wanted(run):
        return actions.WriteStatus(attempts.refuse_retry(run, now))
    if run.status.open_attempt is None:
        return _between_attempts(run, now, policy)
    return _under_way(seen, now, policy)


ECHO = timedelta(seconds=10)
"""How long after recording an attempt its own handler may still be creating what it named."""


PATIENCE = timedelta(seconds=15)
"""How long a pod may take to start before its Events are read: volumes are mounted within seconds, or say why not."""


def quiet(run: Run, now: datetime) -> bool:
    """Whether a run, as an event shows it, leaves nothing to do: the one thing that may be decided from an event.

    A recorded attempt is left to the handler that recorded it: were that one to die, its own event comes again.
    """
    state = lifecycle.state(run.status)
    if run.deleting:
        return FINALIZER not in run.finalizers
    if state in lifecycle.FINISHED:
        return FINISHED in run.labels and not _retry_wanted(run)
    if run.cancel or _retry_wanted(run):
        return False
    if state is State.WAITING:
        return run.status.next_attempt_at is not None and run.status.next_attempt_at > now
    recorded = run.status.last_update
    return state is State.RUNNING or (recorded is not None and now - recorded < ECHO)


def at_work(run: Run) -> bool:
    """Whether the run's agent works and nobody wants it to stop: then its Job and the sweep move it on, no event."""
    asked = run.deleting or run.cancel or _retry_wanted(run)
    return lifecycle.state(run.status) is State.RUNNING and not asked


def _adopted(run: Run) -> bool:
    labels = naming.labels(run.spec) if run.spec else {}
    return FINALIZER in run.finalizers and labels.items() <= run.labels.items()


def over(run: Run) -> bool:
    """Whether the run is finished and nobody wants it tried again."""
    return lifecycle.state(run.status) in lifecycle.FINISHED and not _retry_wanted(run)


def _after_the_end(run: Run, now: datetime, policy: Policy) -> Action:
    if _retry_wanted(run):
        return actions.Unmark() if FINISHED in run.labels else actions.WriteStatus(attempts.reopen(run, now))
    if FINISHED in run.labels or (policy.reports and untold(run.status)):
        return Nothing()
    return actions.Close(run.status)


def _retry_wanted(run: Run) -> bool:
    raised = isinstance(run.spec, CodeRunSpec) and run.spec.context_version > (run.status.context_version or 1)
    return raised and not run.cancel


def _between_attempts(run: Run, now: datetime, policy: Policy) -> Action:
    if run.cancel:
        message = "cancelled while no attempt was under way"
        return actions.Close(attempts.end_run(run, State.CANCELLED, Reason.CANCELLED, message, now))
    if run.spec is None:
        return actions.Close(attempts.end_run(run, State.FAILED, Reason.INVALID_SPEC, run.problems, now))
    if run.status.next_attempt_at and run.status.next_attempt_at > now:
        return Nothing()
    shown = run.status.succeeded
    if shown and policy.gives_up(run, now):
        message = f"gave up waiting: {shown.message}"
        return actions.Close(attempts.end_run(run, State.FAILED, Reason(shown.reason), message, now))
    spent = budget.spent(run, run.status.usage)
    if spent:
        return actions.Close(attempts.end_run(run, State.FAILED, *spent, now))
    return actions.Start(attempts.start(run, now))


def _under_way(seen: Observed, now: datetime, policy: Policy) -> Action:
    run, job = seen.run, seen.job
    if isinstance(job, Unread):
        return actions.LookAtJob()
    if job is None:
        return _without_job(run, now, policy)
    if job.owner_uid != run.uid:
        return _foreign(run, job, now)
    if job.ended or job.fence:
        return _ended(seen, job, now, policy)
    if run.cancel or policy.gives_up(run, now):
        if job.suspended:
            return actions.Withdraw()
        return Nothing() if job.stopping else actions.Stop()
    return _live(run, job, seen.pods, now)


def _without_job(run: Run, now: datetime, policy: Policy) -> Action:
    """The Job of a STARTING attempt is made; that of a RUNNING one is lost, and its name is taken for good.

    So is that of an attempt recorded so long ago that its Job may have ended unseen.
    """
    lost = lifecycle.state(run.status) is State.RUNNING or not attempts.may_be_created(run, now)
    if lost or run.cancel or run.spec is None or policy.gives_up(run, now):
        return actions.Fence()
    attempt = run.status.open_attempt
    if attempt and attempt.generation != run.generation:
        return actions.Start(attempts.restart(run, now))
    return actions.CreateResources()


def _foreign(run: Run, job: Job, now: datetime) -> Action:
    message = f"Job {job.name} is there already and belongs to something else; delete it, or use another run name"
    verdict = Verdict(False, Reason.NAME_TAKEN, message)
    gained = attempts.evidence(run, verdict, now)
    return actions.Close(attempts.end_run(run, State.FAILED, verdict.reason, message, now, **gained))


def _ended(seen: Observed, job: Job, now: datetime, policy: Policy) -> Action:
    run, pods = seen.run, seen.pods
    if isinstance(pods, Unread):
        return actions.LookAtPods()
    if not all(pod.terminal for pod in pods):
        return Nothing()  # a pod may outlive its Job's end by its grace period; nothing follows while it lives
    status = retries.after(run, _verdict(run, job, pods, now, policy), now, policy)
    finished = lifecycle.state(status) in lifecycle.FINISHED
    return actions.Close(status) if finished else actions.WriteStatus(status)


def _verdict(run: Run, job: Job, pods: Sequence[Pod], now: datetime, policy: Policy) -> Verdict:
    verdict = judge(job, pods)
    if verdict.succeeded:
        return verdict
    if run.spec is None:
        return Verdict(False, Reason.INVALID_SPEC, run.problems, verdict.report)
    shown = run.status.succeeded
    if shown and (job.stopping or job.fence) and policy.gives_up(run, now):
        return Verdict(False, Reason(shown.reason), f"gave up waiting: {shown.message}", verdict.report)
    return verdict


def _live(run: Run, job: Job, pods: Sequence[Pod] | Unread, now: datetime) -> Action:
    if lifecycle.state(run.status) is State.RUNNING:
        return Nothing()
    seen_pods = () if isinstance(pods, Unread) else pods
    if job.ready or any(pod.running for pod in seen_pods):
        return actions.WriteStatus(attempts.running(run, now))
    stuck = next((pod.waiting for pod in seen_pods if pod.waiting), None)
    shown = run.status.succeeded
    if stuck and shown and shown.reason != stuck[0]:
        return actions.WriteStatus(attempts.pending(run, *stuck, now))
    silent = next((pod for pod in seen_pods if pod.silent), None)
    if silent and not stuck and _took(run, now) >= PATIENCE:
        return actions.LookAtEvents(silent.name)
    return Nothing()


def _took(run: Run, now: datetime) -> timedelta:
    attempt = run.status.open_attempt
    return now - attempt.started_at if attempt else timedelta()
