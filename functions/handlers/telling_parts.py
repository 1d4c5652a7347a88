"""One telling of one run on GitHub: pull request first, whose URL goes into the status, then comment, then check run.

What GitHub will never take is logged, once, with what to do, and does not keep the rest from being told.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from functions.cluster.kinds import RUNS
from functions.github import comment, pulls, reporting
from functions.github.claimed import WhileClaimed
from functions.github.errors import Busy, GithubError
from functions.handlers import admission
from functions.handlers.services import Services
from functions.runs import origin, telling
from functions.runs.position import Position, position
from functions.runs.reasons import Reason
from functions.runs.run import Run, parse
from functions.runs.telling import Told
from functions.templating.task import on_github

if TYPE_CHECKING:
    from functions.github.client import Github  # needs what only those have who call GitHub

log = logging.getLogger("orchestrator")

T = TypeVar("T")


def works_in(services: Services, run: Run) -> str:
    """`owner/name` of the repository that the run works in; empty where that is not on GitHub."""
    return on_github(run.spec.repository_url, services.settings.github.host) if run.spec else ""


class Telling:
    """One telling of one run."""

    def __init__(self, services: Services, github: "Github", run: Run, until: datetime | None) -> None:
        self.run = run
        self._services, self._github, self._until = services, github, until
        self._before = telling.told(run.raw)
        self._refused: list[str] = []
        self._unopened = self._before.unopened
        self._app = str(services.settings.github.app_id)
        self._work_in = works_in(services, run)

    def everything(self) -> Told:
        """Tells it; what was told. Raises Busy, unless the run is deleted, and a ClusterError for the status."""
        if self._work_in and not self.run.deleting and telling.lacks_pull_request(self.run):
            self._pull_request()
        written = self._comment()
        if self._work_in and telling.commits(self.run):
            url = written.url if written else self.run.status.pull_request_url or ""
            self._try("check run", lambda: self._check_run(url))
        number = written.id if written else self._before.comment
        return Told(telling.digest(self.run), number, self._refused, self._unopened)

    def _pull_request(self) -> None:
        """Opens it; either way the status says what came of it."""
        pull, now, status = pulls.wanted(self.run, self._work_in), self._services.clock(), self.run.status
        try:
            url = reporting.pull_request(self._calls(self._work_in), pull)
            status = pulls.opened(status, url, self.run.generation, now)
        except Busy:
            raise
        except GithubError as error:
            self._log("pull request", error)
            self._unopened = status.attempt
            status = pulls.not_opened(status, pull, self._services.settings.github.host, reporting.why(error), now)
        kind = RUNS[self.run.kind]
        self.run = parse(self._services.cluster.replace_status(kind, self.run.with_status(status)))

    def _comment(self) -> reporting.Comment | None:
        place = origin.of(self.run.raw)
        if place is None:
            return None
        known, text = self._before.comment, comment.text(self.run, self._position())

        def step() -> reporting.Comment | None:
            calls = self._calls(place.repository)
            return reporting.sticky_comment(calls, self.run, place.number, self._app, known, text)

        return self._try("comment", step)

    def _position(self) -> Position | None:
        condition = self.run.status.succeeded
        if condition is None or condition.reason != Reason.QUEUED or self.run.deleting:
            return None
        waiting = admission.unfinished(self._services)
        return position(waiting, self.run, None, self._services.clock())

    def _check_run(self, url: str) -> None:
        commits = telling.commits(self.run)
        reporting.check_run(self._calls(self._work_in), self.run, commits, self._app, url)

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
        level = logging.INFO if part in self._before.refused else logging.WARNING
        log.log(level, "no %s: %s", part, reporting.why(error), extra={"run": self.run.key})
        self._refused.append(part)

    def _calls(self, repository: str) -> reporting.Calls:
        return WhileClaimed(self._github.repository(repository), self._until, self._services.clock)
