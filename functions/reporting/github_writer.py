"""One telling of one run on GitHub: pull request first, whose URL goes into the status, then comment, then check run.

What GitHub will never take is logged, once, with what to do, and does not keep the rest from being told.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from functions.github.api import sync
from functions.github.api.errors import Busy, GithubError
from functions.github.api.lease_guard import LeaseGuard
from functions.github.reports import comment, pull_request
from functions.runs import github_sync_state
from functions.runs.admission.position import Position, position
from functions.runs.github_sync_state import SyncRecord
from functions.runs.model import origin
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.serving.dependencies import Dependencies
from functions.templating.variables import on_github

if TYPE_CHECKING:
    from functions.github.api.client import Github  # needs what only those have who call GitHub

log = logging.getLogger("orchestrator")

T = TypeVar("T")


def works_in(services: Dependencies, run: Run) -> str:
    """`owner/name` of the repository that the run works in; empty where that is not on GitHub."""
    return on_github(run.spec.repository_url, services.settings.github.host) if run.spec else ""


class Telling:
    """One telling of one run."""

    def __init__(self, services: Dependencies, github: "Github", run: Run, until: datetime | None) -> None:
        self.run = run
        self._services, self._github, self._until = services, github, until
        self._before = github_sync_state.last_synced(run.raw)
        self._refused: list[str] = []
        self._unopened = self._before.pr_refused_attempt
        self._comment, self._said = self._before.comment, self._before.comment_digest
        self._page, self._shown, self._checked = (
            self._before.comment_url,
            self._before.check_digest,
            self._before.last_check_commit,
        )
        self._app = str(services.settings.github.app_id)
        self._work_in = works_in(services, run)

    def everything(self) -> SyncRecord:
        """Tells it; what was told. Raises Busy, unless the run is deleted, and a ClusterError for the status."""
        if self._work_in and not self.run.deleting and github_sync_state.lacks_pull_request(self.run):
            self._pull_request()
        self._write_comment()
        if self._work_in and github_sync_state.commits(self.run):
            self._try("check run", self._write_checks)
        return SyncRecord(
            github_sync_state.digest(self.run), self._comment, self._refused, self._unopened, self._checked
        )

    @property
    def so_far(self) -> SyncRecord:
        """What was told, where there was no time for everything."""
        refused = sorted({*self._before.permanent_failures, *self._refused})
        return SyncRecord(
            "", self._comment, refused, self._unopened, self._checked, self._said, self._page, self._shown
        )

    def _pull_request(self) -> None:
        """Opens it; either way the status says what came of it."""
        pull, now, status = pull_request.build(self.run, self._work_in), self._services.clock(), self.run.status
        try:
            url = sync.pull_request(self._calls(self._work_in), pull)
            status = pull_request.with_url(status, url, self.run.generation, now)
        except Busy:
            raise
        except GithubError as error:
            self._log("pull request", error)
            self._unopened = status.attempt
            status = pull_request.with_refusal(status, pull, self._services.settings.github.host, sync.why(error), now)
        self.run = self._services.runs.write_status(self.run, status)

    def _write_comment(self) -> None:
        place, digest = origin.from_object(self.run.raw), github_sync_state.digest(self.run)
        if place is None or (self._said == digest and self._comment is not None):
            return
        text = comment.text(self.run, self._position())

        def step() -> sync.Comment | None:
            calls = self._calls(place.repository)
            return sync.sticky_comment(calls, self.run, place.number, self._app, self._comment, text)

        self._page = ""
        written = self._try("comment", step)
        if written:
            self._comment, self._said, self._page = written.id, digest, written.url

    def _position(self) -> Position | None:
        condition = self.run.status.succeeded
        if condition is None or condition.reason != Reason.QUEUED or self.run.deleting:
            return None
        waiting = self._services.runs.list_unfinished()
        return position(waiting, self.run, None, self._services.clock())

    def _write_checks(self) -> None:
        """The last commit's first, for it is the one that people look at; then those that it takes the place of."""
        calls, last, digest = (
            self._calls(self._work_in),
            github_sync_state.commits(self.run)[-1],
            github_sync_state.digest(self.run),
        )
        if self._shown != digest:
            url = self._page or self.run.status.pull_request_url or ""
            sync.check_run(calls, self.run, last, self._app, url)
            self._shown = digest
        for commit, following in pairwise([*github_sync_state.unconcluded(self.run), last]):
            sync.conclude(calls, self.run, commit, self._app, last)
            self._checked = following

    def _try(self, part: str, step: Callable[[], T]) -> T | None:
        """What the step comes to; None where GitHub will never take it, or the run is deleted. Raises Busy."""
        try:
            return step()
        except GithubError as error:
            if isinstance(error, Busy) and not self.run.deleting:
                raise
            self._log(part, error)
            return None

    def _log(self, part: str, error: GithubError) -> None:
        level = logging.INFO if part in self._before.permanent_failures else logging.WARNING
        log.log(level, "no %s: %s", part, sync.why(error), extra={"run": self.run.key})
        self._refused.append(part)

    def _calls(self, repository: str) -> sync.Calls:
        return LeaseGuard(self._github.repository(repository), self._until, self._services.clock)
