"""One sync of one run: writes the pull request, whose URL goes into the status, then the comment, then check runs.

A part that GitHub refuses for good is logged once with the remedy, and the other parts are still written.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

from functions.github.api import idempotent_writes, pull_request_writes
from functions.github.api.client import Github
from functions.github.api.errors import Busy, GithubError, NotReady
from functions.github.api.lease_guard import LeaseGuard
from functions.github.api.recent_event import RecentEventCalls
from functions.github.api.repository_calls import RepositoryCalls
from functions.github.reports import comment, pull_request
from functions.runs import github_sync_state as sync_state
from functions.runs.admission.position import Position, position
from functions.runs.github_sync_state import SyncRecord
from functions.runs.model import origin
from functions.runs.model.reasons import Reason
from functions.runs.model.repository_names import on_github
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339
from functions.serving.dependencies import Dependencies

log = logging.getLogger("orchestrator")

T = TypeVar("T")


def work_repository(deps: Dependencies, run: Run) -> str:
    """Return the repository that the run works in as `owner/name`; empty if it is not on the configured GitHub."""
    return on_github(run.spec.repository_url, deps.settings.github.host) if run.spec else ""


class GithubWriter:
    """The writes of one sync; `run` is the run after the writes to its status so far.

    `lease_expires_at` is when writing must stop; None if there is no lease, because the run is being deleted.
    """

    def __init__(self, deps: Dependencies, github: Github, run: Run, lease_expires_at: datetime | None) -> None:
        self.run = run
        self._deps, self._github, self._lease_expires_at = deps, github, lease_expires_at
        self._before = sync_state.last_synced(run.raw)
        self._record = replace(self._before, digest="", permanent_failures=())
        self._not_ready: NotReady | None = None
        self._progress_due = sync_state.needs_progress(run, deps.clock())
        self._app = str(deps.settings.github.app_id)
        self._work_repository = work_repository(deps, run)

    def write_all(self) -> SyncRecord:
        """Write all parts and return the record of them; raise NotReady afterwards if one must be retried.

        Raises Busy, unless the run is being deleted, and ClusterError for the status.
        """
        if self._work_repository and not self.run.deleting and sync_state.lacks_pull_request(self.run):
            self._write_pull_request()
        self._write_comment()
        if self._work_repository and sync_state.commits(self.run):
            self._try("check run", self._write_checks)
        if self._not_ready:
            raise self._not_ready
        return replace(
            self._record, digest=sync_state.digest(self.run), comment_digest="", comment_url="", check_digest=""
        )

    @property
    def progress(self) -> SyncRecord:
        """The record of the parts written so far, for a sync that was interrupted."""
        failures = {*self._before.permanent_failures, *self._record.permanent_failures}
        return replace(self._record, permanent_failures=sorted(failures))

    def _note(self, **changes: Any) -> None:
        self._record = replace(self._record, **changes)

    def _write_pull_request(self) -> None:
        """Open the pull request, or record in the status why GitHub refused it."""
        draft, now, status = pull_request.build(self.run, self._work_repository), self._deps.clock(), self.run.status
        try:
            url = pull_request_writes.ensure_pull_request(self._work_calls(), draft)
            status = pull_request.with_url(status, url, self.run.generation, now)
        except NotReady as error:
            self._not_ready = error
            return
        except Busy:
            raise
        except GithubError as error:
            self._log_refusal("pull request", error)
            self._note(pr_refused_attempt=status.attempt)
            host = self._deps.settings.github.host
            status = pull_request.with_refusal(status, draft, host, idempotent_writes.explain(error), now)
        self.run = self._deps.runs.write_status(self.run, status)

    def _write_comment(self) -> None:
        source, digest = origin.from_object(self.run.raw), sync_state.digest(self.run)
        is_current = self._record.comment_digest == digest and self._record.comment is not None
        if source is None or (is_current and not self._progress_due):
            return
        text = comment.text(self.run, self._position(), self._deps.clock(), self._deps.settings.console.url.rstrip("/"))

        def step() -> idempotent_writes.Comment | None:
            calls = self._calls(source.repository, source.repository_id)
            return idempotent_writes.upsert_comment(
                calls, self.run, source.number, self._app, self._record.comment, text
            )

        self._note(comment_url="")
        written = self._try("comment", step)
        if written:
            now = rfc3339(self._deps.clock())
            self._note(comment=written.id, comment_digest=digest, comment_url=written.url, comment_time=now)

    def _position(self) -> Position | None:
        condition = self.run.status.succeeded
        if condition is None or condition.reason != Reason.QUEUED or self.run.deleting:
            return None
        return position(self._deps.runs.list_unfinished(cached=True), self.run, None, self._deps.clock())

    def _write_checks(self) -> None:
        """Write the check run of the last commit, which people look at, then conclude those of earlier commits."""
        calls = self._work_calls()
        last, digest = sync_state.commits(self.run)[-1], sync_state.digest(self.run)
        if self._record.check_digest != digest:
            url = self._record.comment_url or self.run.status.pull_request_url or ""
            idempotent_writes.upsert_check_run(calls, self.run, last, self._app, url)
            self._note(check_digest=digest)
        for commit, successor in pairwise([*sync_state.unconcluded(self.run), last]):
            idempotent_writes.conclude_check_runs(calls, self.run, commit, self._app, last)
            self._note(last_check_commit=successor)

    def _try(self, part: str, step: Callable[[], T]) -> T | None:
        """Return the step's result; None if GitHub refuses it for good, or the run is being deleted. Raises Busy."""
        try:
            return step()
        except GithubError as error:
            if isinstance(error, NotReady) and not self.run.deleting:
                self._not_ready = error
                return None
            if isinstance(error, Busy) and not self.run.deleting:
                raise
            self._log_refusal(part, error)
            return None

    def _log_refusal(self, part: str, error: GithubError) -> None:
        level = logging.INFO if part in self._before.permanent_failures else logging.WARNING
        log.log(level, "GitHub refused the %s: %s", part, idempotent_writes.explain(error), extra={"run": self.run.key})
        self._note(permanent_failures=[*self._record.permanent_failures, part])

    def _work_calls(self) -> RepositoryCalls:
        source = origin.from_object(self.run.raw)
        same = source and source.repository.lower() == self._work_repository.lower()
        return self._calls(self._work_repository, source.repository_id if source and same else 0)

    def _calls(self, repository: str, repository_id: int) -> RepositoryCalls:
        """Return the calls about a repository; the event that they follow is the run's last transition."""
        calls = LeaseGuard(self._github.repository(repository, repository_id), self._lease_expires_at, self._deps.clock)
        condition = None if self.run.deleting else self.run.status.succeeded
        return RecentEventCalls(calls, condition.last_transition_time if condition else None, self._deps.clock)
