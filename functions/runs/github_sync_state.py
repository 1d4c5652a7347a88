"""The last sync of a run to GitHub, and the lease of the process that syncs: two annotations of the run. Pure.

    agents.platform/github-told      the last sync: a digest of the facts, and where they were written
    agents.platform/github-telling   until when a sync holds the lease, or GitHub is left alone after an error

Nothing about a run waits for them. They are annotations, not fields of the status, because only the reporter reads
them. The digest is of facts and not of wording, so that two versions with other words leave each other's comments
alone.

A sync acquires the lease at the version that it read, and the record that ends it is written at the version of the
lease. Of two syncs one therefore runs, and if the run has changed meanwhile, the record is rejected and the new state
is synced too.
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

SYNC_RECORD = api_group.label("github-told")
SYNC_LEASE = api_group.label("github-telling")
"""Their names on stored runs are those of the first version: with others every run would be synced again."""

LEASE = timedelta(minutes=2)
"""How long a lease lasts: longer than a function may take for one event (its ack deadline is 60 s)."""

MIN_BACKOFF = timedelta(seconds=10)
MAX_BACKOFF = timedelta(hours=1)
"""Shortest and longest pause after GitHub could not be reached; its rate limits last an hour (GitHub: Rate limits for
the REST API)."""

REDELIVERY_WINDOW = timedelta(minutes=15)
"""How long the event that a lease was acquired for is redelivered (queues/topology.py: 20 deliveries)."""

PROGRESS_PAUSE = timedelta(minutes=10)
"""How often the comment of a run at work is brought up to date at most."""

Patch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """The last sync."""

    digest: str = ""
    comment: int | None = None
    """The sticky comment's id."""
    permanent_failures: Sequence[str] = ()
    """The parts that GitHub rejects, so that each is logged once."""
    pr_refused_attempt: int | None = None
    """The attempt for whose work GitHub rejects a pull request."""
    last_check_commit: str = ""
    """The last commit whose check run was written; the check runs of those before it are concluded."""
    comment_digest: str = ""
    comment_url: str = ""
    """Digest of the facts in the comment, and its page, if there was no time for the other parts."""
    check_digest: str = ""
    """Digest of the facts in the last commit's check run, in the same case."""
    comment_time: str = ""
    """The time of the last write of the comment (RFC 3339)."""


_RECORD = TypeAdapter(SyncRecord)


def last_synced(raw: Mapping[str, Any]) -> SyncRecord:
    """Return the last sync recorded on the object. An unreadable annotation counts as never synced."""
    try:
        return _RECORD.validate_json(_annotations(raw).get(SYNC_RECORD) or "{}")
    except ValidationError:
        return SyncRecord()


def digest(run: Run) -> str:
    """Return a digest of every fact about the run that is written to GitHub."""
    status, condition = run.status, run.status.succeeded
    usage = [status.usage.cost_usd, status.usage.turns] if status.usage else None
    facts = [
        *([condition.status, condition.reason] if condition else []),
        *(status.message, status.attempt, status.branch, commits(run), status.pull_request_url, usage, run.deleting),
    ]
    facts += [status.summary] if status.summary else []
    ended = pull_request.condition_of(status)
    facts += [ended.reason] if ended and pull_request.is_closed(status) else []
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def commits(run: Run) -> list[str]:
    """Return the commits that attempts ended with, each once, the last one last."""
    made = [attempt.commit for attempt in run.status.attempts if attempt.commit]
    return list(dict.fromkeys(reversed(made)))[::-1]


def unconcluded(run: Run) -> list[str]:
    """Return the commits before the last one whose check runs may not be concluded yet, the oldest first."""
    *earlier, last = commits(run) or [""]
    since = last_synced(run.raw).last_check_commit
    if since == last:
        return []
    return earlier[earlier.index(since) :] if since in earlier else earlier


def lacks_pull_request(run: Run) -> bool:
    """Return whether the run has work without a pull request that GitHub did not reject."""
    status = run.status
    worked = states.state(status) is State.SUCCEEDED and _reason(run) != Reason.NO_CHANGES and status.branch
    has_one = status.pull_request_url and not _began_after_it(status)
    return bool(worked) and not has_one and last_synced(run.raw).pr_refused_attempt != status.attempt


def _began_after_it(status: RunStatus) -> bool:
    """Return whether the last attempt began after the pull request was merged or closed."""
    condition = pull_request.condition_of(status)
    began = max((attempt.started_at for attempt in status.attempts), default=None)
    if condition is None or began is None or not pull_request.is_closed(status):
        return False
    return began > condition.last_transition_time


def needs_sync(run: Run, on_github: bool) -> bool:
    """Return whether there is something to sync; `on_github` says whether the run's repository is on GitHub."""
    if run.status.succeeded is None or run.deleting:
        return False
    concerned = origin.from_object(run.raw) is not None or (
        on_github and (bool(commits(run)) or lacks_pull_request(run))
    )
    return concerned and last_synced(run.raw).digest != digest(run)


def writes(run: Run, on_github: bool) -> int:
    """Return how many requests of an ordinary sync create content: of earlier check runs, one is to be concluded."""
    checks = 1 + bool(unconcluded(run)) if on_github and commits(run) else 0
    has_comment = origin.from_object(run.raw) is not None
    return int(has_comment) + checks + int(on_github and lacks_pull_request(run))


def needs_progress(run: Run, now: datetime) -> bool:
    """Return whether the run is at work and its comment was not written for PROGRESS_PAUSE."""
    record = last_synced(run.raw)
    if record.comment is None or run.deleting or states.state(run.status) is not State.RUNNING:
        return False
    written = _time(record.comment_time)
    return written is not None and now - written >= PROGRESS_PAUSE


def ever_synced(raw: Mapping[str, Any]) -> bool:
    """Return whether anything was synced, or may have been."""
    return not {SYNC_RECORD, SYNC_LEASE}.isdisjoint(_annotations(raw))


def lease(raw: Mapping[str, Any]) -> str:
    """Return the text of the lease or back-off; no two of a run are equal, as the second begins after the first."""
    return _annotations(raw).get(SYNC_LEASE) or ""


def lease_seconds_left(raw: Mapping[str, Any], now: datetime) -> float:
    """Return for how many seconds the lease or back-off lasts; 0 if there is none."""
    until = _until(raw)
    return max(0.0, (until - now).total_seconds()) if until else 0.0


def covered_by_redelivery(raw: Mapping[str, Any], now: datetime) -> bool:
    """Return whether the event of another sync will be redelivered: then the event of its lease needs no sync."""
    until = _until(raw)
    return until is not None and now < until + REDELIVERY_WINDOW


def acquire(run: Run, now: datetime) -> Patch:
    """Return the merge patch that acquires the lease for the caller, at this version of the run.

    It clears the digest: whatever the sync achieves, GitHub may not show the recorded facts any more.
    """
    return _patch(run, {SYNC_LEASE: rfc3339(now + LEASE), SYNC_RECORD: _note(replace(last_synced(run.raw), digest=""))})


def back_off(run: Run, now: datetime, seconds: float | None, record: SyncRecord) -> Patch:
    """Return the merge patch that turns the lease into a back-off of that long, and records the progress."""
    wanted = timedelta(seconds=min(seconds or 0, MAX_BACKOFF.total_seconds()))
    return _patch(run, {SYNC_LEASE: rfc3339(now + max(MIN_BACKOFF, wanted)), SYNC_RECORD: _note(record)})


def release(run: Run, record: SyncRecord) -> Patch:
    """Return the merge patch that ends the lease: everything about this version is synced."""
    return _patch(run, {SYNC_LEASE: None, SYNC_RECORD: _note(record)})


def invalidate() -> Patch:
    """Return the merge patch, to any version, after which everything is looked for on GitHub and synced again."""
    return {"metadata": {"annotations": {SYNC_RECORD: _note(SyncRecord())}}}


def _note(record: SyncRecord) -> str:
    return json.dumps(asdict(record))


def _patch(run: Run, annotations: Mapping[str, str | None]) -> Patch:
    return {"metadata": {"resourceVersion": run.resource_version, "annotations": dict(annotations)}}


def _until(raw: Mapping[str, Any]) -> datetime | None:
    return _time(lease(raw))


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def _annotations(raw: Mapping[str, Any]) -> Mapping[str, str]:
    return raw["metadata"].get("annotations") or {}


def _reason(run: Run) -> str | None:
    return run.status.succeeded.reason if run.status.succeeded else None
