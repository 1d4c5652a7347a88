"""The statuses a run passes through: pure, each from the run as it was read."""

from datetime import datetime
from typing import Any

from functions.runs.lifecycle.states import State, move
from functions.runs.lifecycle.verdict import Verdict
from functions.runs.model import conditions, naming
from functions.runs.model.reasons import FollowUp, Reason, follow_up
from functions.runs.model.run import Run
from functions.runs.model.status import ATTEMPTS_KEPT, Attempt, RunStatus


def outdated(run: Run) -> bool:
    """Whether the open attempt was recorded for another spec than the run has."""
    recorded = run.status.open_attempt
    return recorded is not None and recorded.generation != run.generation


def _step(run: Run, to: State, reason: Reason, message: str, now: datetime, **changes: Any) -> RunStatus:
    """Each step notes which contextVersion the run is at, so that a later one is known for a person's retry."""
    if run.status.context_version is None and (version := _requested_version(run)) is not None:
        changes.setdefault("context_version", version)
    return move(run.status, to, reason, message, generation=run.generation, now=now, **changes)


def _requested_version(run: Run) -> int | None:
    return run.spec.requested_context_version if run.spec else None


def start(run: Run, now: datetime) -> RunStatus:
    """The run with its next attempt recorded, and everything named that the attempt will make."""
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
    )
    fresh_session = naming.session_id(run.uid, version, number)
    return _step(
        run,
        State.STARTING,
        Reason.STARTING,
        f"starting attempt {number}",
        now,
        attempt=number,
        attempts=[*run.status.attempts, attempt][-ATTEMPTS_KEPT:],
        context_version=version,
        job_name=attempt.job_name,
        config_map_name=attempt.job_name,
        workspace_name=naming.workspace(run.spec) if run.spec else None,
        branch=naming.branch(run.name, run.uid),
        session_id=run.status.session_id if resumes else fresh_session,
        started_at=run.status.started_at or now,
        next_attempt_at=None,
        pending_since=None,
    )


def _resumes(run: Run) -> bool:
    """Whether the next attempt takes up the agent's session: its store must have outlived the last attempt."""
    has_workspace = run.spec is not None and naming.workspace(run.spec) is not None
    if not run.status.attempts or not run.status.session_id or not has_workspace:
        return False
    last = run.status.attempts[-1]
    if follow_up(last.reason) is FollowUp.RESTART:
        return last.resumes
    if not run.status.retry_count and (last.context_version or 1) != run.status.context_version:
        return True  # a person reopened it
    return follow_up(last.reason) in (FollowUp.RETRY_RESUME, FollowUp.RETRY_RESUME_ONCE)


def running(run: Run, now: datetime) -> RunStatus:
    """The run once its agent was seen."""
    message = f"attempt {run.status.attempt} is running"
    return _step(run, State.RUNNING, Reason.RUNNING, message, now, **_NO_OBSTACLE)


def unblocked(run: Run, now: datetime) -> RunStatus:
    """The run once what kept its pod from starting is gone: the next obstacle has a wait of its own."""
    message = f"starting attempt {run.status.attempt}"
    return _step(run, State.STARTING, Reason.STARTING, message, now, **_NO_OBSTACLE)


_NO_OBSTACLE: dict[str, Any] = {"pending_since": None, "next_attempt_at": None}


def since(run: Run, reason: Reason, now: datetime) -> datetime:
    """Since when this is in the run's way: what it shows, or what the attempt before ended for; else from now on.

    A person's retry begins anew.
    """
    status = run.status
    if status.pending_since and status.succeeded and status.succeeded.reason == reason:
        return status.pending_since
    last = next((attempt for attempt in reversed(status.attempts) if attempt.finished_at), None)
    if last and last.reason == reason and last.context_version == status.context_version:
        return last.pending_since or now
    return now


def pending(run: Run, reason: Reason, message: str, now: datetime, **changes: Any) -> RunStatus:
    """The run while its pod cannot start, or its task files cannot be made, for a reason people can mend."""
    state = State.STARTING if run.status.open_attempt else State.WAITING
    return _step(run, state, reason, message, now, pending_since=since(run, reason, now), **changes)


def queued(run: Run, why: str, now: datetime) -> RunStatus:
    """The run while it waits for a place to work."""
    return _step(run, State.WAITING, Reason.QUEUED, why, now, pending_since=None)


def reopen(run: Run, now: datetime) -> RunStatus:
    """A finished run that a person asked to try again."""
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
    """An unfinished run that a person asked to try again: refused, so that it does not happen at its end either."""
    wanted = _requested_version(run)
    message = f"the retry asked for by contextVersion {wanted} is refused: the run is not finished; raise it again then"
    status = conditions.retry_refused(run.status, message, run.generation, now)
    return status.model_copy(update={"context_version": wanted, "message": message, "last_update": now})


def end_run(run: Run, to: State, reason: Reason, message: str, now: datetime, **changes: Any) -> RunStatus:
    """The run at its end."""
    return _step(run, to, reason, message, now, finished_at=now, next_attempt_at=None, pending_since=None, **changes)


def wait(run: Run, reason: Reason, message: str, at: datetime, now: datetime, **changes: Any) -> RunStatus:
    """The run between two attempts."""
    return _step(run, State.WAITING, reason, message, now, next_attempt_at=at, **changes)


def evidence(run: Run, verdict: Verdict, now: datetime, since: datetime | None = None) -> dict[str, Any]:
    """What the end of the open attempt adds to the status, whatever follows it.

    `since`: since when attempts end for the same reason, which a person can mend.
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
        }
    )
    changes: dict[str, Any] = {"attempts": [*earlier, ended]}
    if report and report.usage:
        changes["usage"] = run.status.usage.plus(report.usage) if run.status.usage else report.usage
    if report and report.pull_request_url:
        changes["pull_request_url"] = report.pull_request_url
    return changes
