"""What GitHub is told of a run, and who is telling it: two annotations of the run. Pure.

    agents.platform/github-told      what was told last: a digest of the facts, and where
    agents.platform/github-telling   until when somebody tells it, or rests because GitHub could not be reached

Nothing about a run waits for them. An annotation, not a field of the status: it is nobody's business but the
reporter's. The digest is of facts and not of wording, so that two revisions with other words leave each other's
comments alone.

Whoever tells writes its claim first, at the version it read; the note that ends it is written at the version of the
claim. So of two, one tells; and where the run moved on meanwhile, that note is refused and the new state is told too.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from functions.runs import api_group
from functions.runs.lifecycle import states
from functions.runs.lifecycle.states import State
from functions.runs.model import origin, pull_request
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import RunStatus, rfc3339

TOLD = api_group.label("github-told")
TELLING = api_group.label("github-telling")

LEASE = timedelta(minutes=2)
"""How long a claim keeps others away: longer than a function may take for one event (its ack deadline is 60 s)."""

MIN_BACKOFF = timedelta(seconds=10)
LONGEST_REST = timedelta(hours=1)
"""Shortest and longest time for which GitHub is left alone after it could not be reached; its limits last an hour
(GitHub: Rate limits for the REST API)."""

REDELIVERY_WINDOW = timedelta(minutes=15)
"""How long the event that a claim was made for comes again (queues/topology.py: 20 deliveries)."""

Patch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """What was told last."""

    digest: str = ""
    comment: int | None = None
    """The sticky comment's id."""
    permanent_failures: Sequence[str] = ()
    """What GitHub does not take, in one word each, so that it is logged once."""
    pr_refused_attempt: int | None = None
    """The attempt for whose work GitHub opens no pull request."""
    last_check_commit: str = ""
    """The commit whose check run said last what was so: those before it are concluded for good."""
    comment_digest: str = ""
    comment_url: str = ""
    """Of which facts the comment tells, as a digest, and its page: where there was no time to tell the rest."""
    check_digest: str = ""
    """Of which facts the last commit's check run tells, in the same case."""


_TOLD = TypeAdapter(SyncRecord)


def last_synced(raw: Mapping[str, Any]) -> SyncRecord:
    """What was told of the run in an object of the API; what nobody can read was nothing."""
    try:
        return _TOLD.validate_json(_annotations(raw).get(TOLD) or "{}")
    except ValidationError:
        return SyncRecord()


def digest(run: Run) -> str:
    """Of every fact about the run that GitHub is told."""
    status, condition = run.status, run.status.succeeded
    usage = [status.usage.cost_usd, status.usage.turns] if status.usage else None
    facts = [
        *([condition.status, condition.reason] if condition else []),
        *(status.message, status.attempt, status.branch, commits(run), status.pull_request_url, usage, run.deleting),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def commits(run: Run) -> list[str]:
    """The commits that attempts ended with, each once, the last one last."""
    found = [attempt.commit for attempt in run.status.attempts if attempt.commit]
    return list(dict.fromkeys(reversed(found)))[::-1]


def unconcluded(run: Run) -> list[str]:
    """The commits before the last one whose check runs may not be concluded yet, the oldest first."""
    *earlier, last = commits(run) or [""]
    since = last_synced(run.raw).last_check_commit
    if since == last:
        return []
    return earlier[earlier.index(since) :] if since in earlier else earlier


def lacks_pull_request(run: Run) -> bool:
    """Whether the run has work that nobody opened a pull request for, or was refused one for."""
    status = run.status
    worked = states.state(status) is State.SUCCEEDED and _reason(run) != Reason.NO_CHANGES and status.branch
    has_one = status.pull_request_url and not _began_after_it(status)
    return bool(worked) and not has_one and last_synced(run.raw).pr_refused_attempt != status.attempt


def _began_after_it(status: RunStatus) -> bool:
    """Whether the last attempt began when the pull request was merged or closed already."""
    condition = pull_request.condition_of(status)
    began = max((attempt.started_at for attempt in status.attempts), default=None)
    if condition is None or began is None or not pull_request.is_closed(status):
        return False
    return began > condition.last_transition_time


def needs_sync(run: Run, on_github: bool) -> bool:
    """Whether there is something to tell; `on_github` says whether the run's repository is there."""
    if run.status.succeeded is None or run.deleting:
        return False
    concerned = origin.from_object(run.raw) is not None or (
        on_github and (bool(commits(run)) or lacks_pull_request(run))
    )
    return concerned and last_synced(run.raw).digest != digest(run)


def ever_synced(raw: Mapping[str, Any]) -> bool:
    """Whether anything was told, or may have been."""
    return not {TOLD, TELLING}.isdisjoint(_annotations(raw))


def lease(raw: Mapping[str, Any]) -> str:
    """The claim or rest on the run; no two of a run are alike, for a second one is made when the first is over."""
    return _annotations(raw).get(TELLING) or ""


def lease_seconds_left(raw: Mapping[str, Any], now: datetime) -> float:
    """For how many more seconds somebody tells, or rests; 0 where nobody does."""
    until = _until(raw)
    return max(0.0, (until - now).total_seconds()) if until else 0.0


def covered_by_redelivery(raw: Mapping[str, Any], now: datetime) -> bool:
    """Whether somebody else's event will come again and see to it: then the event of a claim is no reason to tell."""
    until = _until(raw)
    return until is not None and now < until + REDELIVERY_WINDOW


def acquire(run: Run, now: datetime) -> Patch:
    """The merge patch by which the caller, and nobody else, tells from this version on.

    Whatever comes of it, GitHub may not show what was told before: should that be so again, it is told again.
    """
    return _patch(run, {TELLING: rfc3339(now + LEASE), TOLD: _note(replace(last_synced(run.raw), digest=""))})


def back_off(run: Run, now: datetime, seconds: float | None, told: SyncRecord) -> Patch:
    """The merge patch by which a claim becomes a rest of that long; so much was told before it."""
    wanted = timedelta(seconds=min(seconds or 0, LONGEST_REST.total_seconds()))
    return _patch(run, {TELLING: rfc3339(now + max(MIN_BACKOFF, wanted)), TOLD: _note(told)})


def release(run: Run, told: SyncRecord) -> Patch:
    """The merge patch that ends a claim: everything about this version is told."""
    return _patch(run, {TELLING: None, TOLD: _note(told)})


def invalidate() -> Patch:
    """The merge patch, to any version, by which whatever was told is looked for and told again."""
    return {"metadata": {"annotations": {TOLD: _note(SyncRecord())}}}


def _note(told: SyncRecord) -> str:
    return json.dumps(asdict(told))


def _patch(run: Run, annotations: Mapping[str, str | None]) -> Patch:
    return {"metadata": {"resourceVersion": run.resource_version, "annotations": dict(annotations)}}


def _until(raw: Mapping[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(lease(raw))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _annotations(raw: Mapping[str, Any]) -> Mapping[str, str]:
    return raw["metadata"].get("annotations") or {}


def _reason(run: Run) -> str | None:
    return run.status.succeeded.reason if run.status.succeeded else None
