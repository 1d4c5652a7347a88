"""Keeps GitHub in sync with a run: pull request, sticky comment, check run.

The run never waits for GitHub. It ends, frees its slot and is marked finished from its status alone; what GitHub was
last sent is recorded in an annotation (runs/github_sync_state.py). Three callers compare the two and sync the
difference: the event of every change, the minute sweep for unfinished runs, and the hourly pass for finished ones.
GitHub may therefore be down for a day.

One sync at a time holds a lease on the run (an annotation written at the resourceVersion that was read):

1. Acquire the lease.
2. Open or update the pull request (its URL goes into the status), then the comment, then the check run.
3. Record what was synced, at the lease's version; if the run has changed meanwhile, sync again first.

If GitHub is rate limited or slow, the lease becomes a back-off and progress is recorded; the redelivered event
continues. Changes that a sync itself makes to the run are acknowledged without another sync while that redelivery is
still possible. Permanent refusals (a locked conversation, a missing permission) are logged once with the remedy and
not retried until the run changes.

A lease expires before another can be acquired, and nothing is written to GitHub after that. A process that is
suspended between this check and its call may still write late; the next process to find its lease gone syncs
everything again.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from functions.cluster.errors import ClusterError, Conflict, NotFound
from functions.github.api.client import Github
from functions.github.api.errors import Busy
from functions.github.api.lease_guard import LeaseExpired
from functions.github.content_budget import Share
from functions.queues.topics import ACK_DEADLINE
from functions.reporting.github.writer import GithubWriter, work_repository
from functions.runs import github_sync_state as sync_state
from functions.runs.lifecycle import states
from functions.runs.lifecycle.lifecycle_events import LATE
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.storage import content_budget

log = logging.getLogger("orchestrator")

SYNC_TIME_LIMIT = timedelta(seconds=ACK_DEADLINE / 4)
"""How long GitHub may take for one sync; shorter than what a sweep has left when its own time is nearly over."""

CLOSE_TIME_LIMIT = timedelta(seconds=10)
"""How long GitHub may delay a deletion; a sweep that is nearly out of time has twice as long for one run."""

MAX_CHANGES = 5
"""Changes of a run that are synced in one call."""


class GithubReporter:
    """Reports runs on GitHub."""

    def __init__(self, deps: Dependencies, github: Github) -> None:
        self._deps, self._github = deps, github

    @classmethod
    def connect(cls, deps: Dependencies) -> "GithubReporter | None":
        """Return the reporter; None if no App is configured."""
        return cls(deps, deps.github) if deps.github else None

    def due(self, run: Run) -> bool:
        """Return whether GitHub differs from the run and no redelivered event will sync it anyway."""
        return self._needs_sync(run) and not sync_state.covered_by_redelivery(run.raw, self._deps.clock())

    def overdue(self, run: Run) -> bool:
        """Return whether a sync has been due for longer than LATE and no process holds the lease."""
        now, since = self._deps.clock(), run.status.last_update
        is_late = self._needs_sync(run) and (since is None or now - since >= LATE)
        return (is_late or sync_state.needs_progress(run, now)) and not sync_state.lease_seconds_left(run.raw, now)

    def report(self, run: Run) -> Run:
        """Sync GitHub with the run, as just read, and record it; return the run.

        Raises:
            Busy: GitHub could not be reached, or another process syncs; a repeated call continues.
            ClusterError: the run may be synced without a record; a repeated call syncs it again.
        """
        lease, github = "", self._github.with_deadline(self._deps.clock() + SYNC_TIME_LIMIT)
        for _ in range(MAX_CHANGES):
            if not lease and not (self._needs_sync(run) or sync_state.needs_progress(run, self._deps.clock())):
                return run
            self._raise_if_leased(run, lease)
            if not lease and not self._has_room(run):
                return run
            try:
                run = self._deps.runs.patch(run, sync_state.acquire(run, self._deps.clock()))
                lease = sync_state.lease(run.raw)
                return self._sync(github, run)
            except (Conflict, LeaseExpired):
                present = self._reread(run)
            except NotFound:
                present = None
            if present is None or present.deleting:  # the comment may now show an older state
                self.close(present or run)
                return run
            run = present
            if lease and sync_state.lease(run.raw) != lease:
                run, lease = self._deps.runs.patch(run, sync_state.invalidate()), ""
        raise Conflict(f"run {run.key} changed {MAX_CHANGES} times during a sync; the next event syncs GitHub")

    def close(self, run: Run) -> None:
        """Show on GitHub that the run is deleted, in one try. Never raises for GitHub's errors; they are logged."""
        if sync_state.ever_synced(run.raw):
            github = self._github.with_deadline(self._deps.clock() + CLOSE_TIME_LIMIT)
            GithubWriter(self._deps, github, replace(run, deleting=True), None).write_all()

    def _needs_sync(self, run: Run) -> bool:
        return sync_state.needs_sync(run, bool(work_repository(self._deps, run)))

    def _has_room(self, run: Run) -> bool:
        """Reserve room in the budget of content; return False if a later report may say it all.

        Raises Busy if there is no room for a report that must be written.
        """
        is_end = states.state(run.status) in states.FINISHED
        share = Share.END if is_end else Share.PROGRESS
        units = sync_state.writes(run, bool(work_repository(self._deps, run)))
        seconds = content_budget.reserve(self._deps.config_maps, units, share, self._deps.clock())
        if seconds and is_end:
            raise Busy("the limit of content on GitHub is nearly reached", seconds)
        if seconds:
            log.info("progress is not reported: little room in GitHub's limit of content", extra={"run": run.key})
        return not seconds

    def _raise_if_leased(self, run: Run, lease: str) -> None:
        """Raise Busy while another process holds a lease, or during a back-off."""
        seconds = sync_state.lease_seconds_left(run.raw, self._deps.clock())
        if seconds and sync_state.lease(run.raw) != lease:
            raise Busy("another process syncs the run, or GitHub is given time to recover", seconds)

    def _sync(self, github: Github, run: Run) -> Run:
        """Sync under the lease that the run carries; raise Conflict if the run has changed, else as `report`."""
        expires_at = datetime.fromisoformat(sync_state.lease(run.raw))
        writer = GithubWriter(self._deps, github, run, expires_at)
        try:
            record = writer.write_all()
        except Busy as busy:
            self._back_off(writer, busy)
            raise
        synced = self._deps.runs.patch(writer.run, sync_state.release(writer.run, record))
        log.info("GitHub is in sync", extra={"run": run.key, "attempt": run.status.attempt})
        return synced

    def _back_off(self, writer: GithubWriter, busy: Busy) -> None:
        """Turn the lease into a back-off with the progress so far. If that fails, the lease expires soon anyway.

        Raises Conflict if the run has changed or another process holds the lease, NotFound if the run is deleted.
        """
        run = writer.run
        try:
            self._deps.runs.patch(run, sync_state.back_off(run, self._deps.clock(), busy.retry_after, writer.progress))
        except (Conflict, NotFound):
            raise
        except ClusterError as error:
            log.info("the back-off was not recorded: %s", error, extra={"run": run.key})

    def _reread(self, run: Run) -> Run | None:
        present = self._deps.runs.find(run.kind, run.namespace, run.name)
        return present if present and present.uid == run.uid else None
