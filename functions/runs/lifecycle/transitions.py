"""The statuses that a run passes through. Pure: each is made from the run as it was read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.runs.lifecycle.states import State, move
from functions.runs.lifecycle.verdict import Verdict
from functions.runs.model import conditions, naming
from functions.runs.model.reasons import FollowUp, Reason, follow_up
from functions.runs.model.run import Run
from functions.runs.model.status import ATTEMPTS_KEPT, MESSAGE_LENGTH, Attempt, Obstacle, RunStatus


def starting_message(attempt: int | None) -> str:
    """Return the message of a run whose attempt starts, and meets no obstacle."""
    return f"starting attempt {attempt}"


def running_message(attempt: int | None) -> str:
    """Return the message of a run whose agent runs."""
    return f"attempt {attempt} is running"


def outdated(run: Run) -> bool:
    """Return whether the open attempt was recorded for another spec than the run has now."""
    recorded = run.status.open_attempt
    return recorded is not None and recorded.generation != run.generation


def _step(run: Run, to: State, reason: Reason, message: str, now: datetime, **changes: Any) -> RunStatus:
    """Return the status after a step.

    Each step records which contextVersion the run is at, so that a later one is known for a person's retry, and, while
    no attempt is open, which task the run is for.
    """
    version = _requested_version(run)
    if run.status.context_version is None and version is not None:
        changes.setdefault("context_version", version)
    if run.spec and run.status.open_attempt is None:
        changes |= naming.subject(run.spec)
    changes.setdefault("obstacle", None)
    if "pending_since" in changes:
        changes.setdefault("pending_until", None)
    return move(run.status, to, reason, message, generation=run.generation, now=now, **changes)


def _requested_version(run: Run) -> int | None:
    return run.spec.requested_context_version if run.spec else None


def start(run: Run, now: datetime) -> RunStatus:
    """Return the status with the next attempt recorded, and everything named that the attempt will create."""
    number = (run.status.attempt or 0) + 1
    resumes = _resumes(run)
    version = _requested_version(run) or 1
    attempt = Attempt(
        attempt=number,
        job_name=naming.job_name(run.kind, run.name, run.uid, number),
        generation=run.generation,
        context_version=version,
        started_at=now,
        resumes=resumes,
        repository=run.spec.repository_url if run.spec else None,
    )
    if run.spec:
        attempt = attempt.model_copy(update=naming.subject(run.spec))
    fresh_session = naming.session_id(run.uid, version, number)
    return _step(
        run,
        State.STARTING,
        Reason.STARTING,
        starting_message(number),
        now,
        attempt=number,
        attempts=[*run.status.attempts, attempt][-ATTEMPTS_KEPT:],
        context_version=version,
        job_name=attempt.job_name,
        config_map_name=attempt.job_name,
        workspace_name=_workspace(run),
        branch=naming.branch(run.name, run.uid),
        session_id=run.status.session_id if resumes else fresh_session,
        started_at=run.status.started_at or now,
        next_attempt_at=None,
        pending_since=None,
    )


def _workspace(run: Run) -> str | None:
    """Return the name of the run's workspace claim; a run that began before an upgrade keeps the one it has."""
    if run.spec and run.status.workspace_name == run.spec.former_workspace:
        return run.spec.former_workspace or run.spec.workspace
    return run.spec.workspace if run.spec else None


def _resumes(run: Run) -> bool:
    """Return whether the next attempt resumes the agent's session, whose store must have outlived the last attempt."""
    has_workspace = run.spec is not None and run.spec.workspace is not None
    if not run.status.attempts or not run.status.session_id or not has_workspace:
        return False
    last = run.status.attempts[-1]
    if follow_up(last.reason) is FollowUp.RESTART:
        return last.resumes
    if not run.status.retry_count and (last.context_version or 1) != run.status.context_version:
        return True  # a person reopened it
    return follow_up(last.reason) in (FollowUp.REQUEUE, FollowUp.RETRY_RESUME, FollowUp.RETRY_RESUME_ONCE)


def running(run: Run, now: datetime) -> RunStatus:
    """Return the status once the agent was seen running."""
    return _step(run, State.RUNNING, Reason.RUNNING, running_message(run.status.attempt), now, **_NO_OBSTACLE)


def unblocked(run: Run, now: datetime) -> RunStatus:
    """Return the status once the obstacle of its pod is gone: the next obstacle has a wait of its own."""
    return _step(run, State.STARTING, Reason.STARTING, starting_message(run.status.attempt), now, **_NO_OBSTACLE)


_NO_OBSTACLE: dict[str, Any] = {"pending_since": None, "next_attempt_at": None}


def since(run: Run, reason: str, now: datetime) -> datetime:
    """Return since when this reason holds the run up: as the status or the last attempt says, else from now on.

    A person's retry starts anew.
    """
    status = run.status
    if status.pending_since and status.succeeded and status.succeeded.reason == reason:
        return status.pending_since
    last = next((attempt for attempt in reversed(status.attempts) if attempt.finished_at), None)
    if last and last.reason == reason and last.context_version == status.context_version:
        return last.pending_since or now
    return now


def pending(run: Run, reason: Reason, message: str, now: datetime, **changes: Any) -> RunStatus:
    """Return the status while the pod cannot start or the task files cannot be made.

    A reason that frees itself (QUEUED) has no time limit; one that people can fix is timed from pending_since.
    """
    state = State.STARTING if run.status.open_attempt else State.WAITING
    timed = follow_up(reason) is FollowUp.WAIT_FOR_FIX
    pending_since = since(run, reason, now) if timed else None
    return _step(run, state, reason, message, now, pending_since=pending_since, **changes)


def queued(run: Run, obstacle: Obstacle, now: datetime) -> RunStatus:
    """Return the status while the run waits for a slot."""
    message = f"waits: {obstacle.message}"
    return _step(run, State.WAITING, Reason.QUEUED, message, now, obstacle=obstacle, pending_since=None)


def says(run: Run, message: str) -> RunStatus:
    """Return the status with another message, for a wait that changes nothing else.

    Leaves last_update unchanged, so that explaining does not extend the creation window of a Job.
    """
    message = message[:MESSAGE_LENGTH]
    changed = conditions.with_message(run.status.conditions, message)
    return run.status.model_copy(update={"message": message, "conditions": changed})


def observed_generation(run: Run) -> RunStatus:
    """Return the status of a finished run after its spec changed: the change was seen and alters nothing."""
    changed = conditions.with_generation(run.status.conditions, run.generation)
    return run.status.model_copy(update={"observed_generation": run.generation, "conditions": changed})


def reopen(run: Run, now: datetime) -> RunStatus:
    """Return the status of a run that a person asked to try again; it is finished, or waits between two attempts."""
    return _step(
        run.with_status(conditions.clear_retry_refused(run.status)),
        State.WAITING,
        Reason.ACCEPTED,
        "a person asked for another attempt",
        now,
        context_version=_requested_version(run),
        retry_count=0,
        finished_at=None,
        expire_at=None,
        pending_since=None,
        next_attempt_at=None,
    )


def refuse_retry(run: Run, now: datetime) -> RunStatus:
    """Return the status of an unfinished run whose retry is refused, so that it does not happen at its end either."""
    wanted = _requested_version(run)
    why = "the run is neither finished nor waiting for a fix between two attempts; raise it again when it is"
    message = f"the retry asked for by contextVersion {wanted} is refused: {why}"
    status = conditions.retry_refused(run.status, message, run.generation, now)
    return status.model_copy(update={"context_version": wanted, "message": message, "last_update": now})


def end_run(run: Run, to: State, reason: Reason, message: str, now: datetime, **changes: Any) -> RunStatus:
    """Return the final status."""
    return _step(run, to, reason, message, now, finished_at=now, next_attempt_at=None, pending_since=None, **changes)


def wait(run: Run, reason: Reason, message: str, at: datetime, now: datetime, **changes: Any) -> RunStatus:
    """Return the status between two attempts."""
    return _step(run, State.WAITING, reason, message, now, next_attempt_at=at, **changes)


def agent_ended(run: Run, verdict: Verdict, now: datetime) -> RunStatus:
    """Return the status with the verdict recorded, before the Job is stopped, which may delete the pod's report."""
    *earlier, attempt = run.status.attempts
    recorded = attempt.model_copy(update={"outcome": verdict.to_outcome()})
    message = f"attempt {attempt.attempt} has ended ({verdict.reason}); its Job is being stopped"
    spoken = run.with_status(run.status.model_copy(update={"attempts": [*earlier, recorded], "last_update": now}))
    return says(spoken, message)


def pushed(run: Run, attempts: Sequence[Attempt]) -> str:
    """Return, as the end of a message, which of the attempts pushed last; empty if none is known to have."""
    last = next((attempt.attempt for attempt in reversed(attempts) if attempt.commit), None)
    return f"; attempt {last} had pushed {run.status.branch}" if last and run.status.branch else ""


def evidence(run: Run, verdict: Verdict, now: datetime, since: datetime | None = None) -> dict[str, Any]:
    """Return what the end of the open attempt adds to the status, whatever follows it.

    `since`: since when attempts end for the same reason, which a person can fix.
    """
    *earlier, attempt = run.status.attempts
    report = verdict.report
    ended = attempt.model_copy(
        update={
            "finished_at": now,
            "reason": verdict.reason.value,
            "message": verdict.message[:500] or None,
            "commit": report.commit if report else None,
            "pending_since": since,
            "outcome": None,
        }
    )
    changes: dict[str, Any] = {"attempts": [*earlier, ended], "summary": report.summary if report else None}
    if report and report.usage:
        changes["usage"] = run.status.usage.plus(report.usage) if run.status.usage else report.usage
    if report and report.model:
        changes["model"] = report.model
    if report and report.pull_request_url:
        changes["pull_request_url"] = report.pull_request_url
    return changes
