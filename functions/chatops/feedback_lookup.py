"""Looks up the open feedback on the last commit of a run's branch: failed checks, commit statuses, change requests.

Feedback is a state and not an event: a check may fail, or a review arrive, while an attempt is still working.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from functions.github.api import responses
from functions.github.api.errors import Denied, NotFound, Rejected
from functions.github.api.idempotent_writes import RepositoryCalls
from functions.github.json_fields import dig_number, dig_text
from functions.github.reports import feedback, job_log
from functions.github.reports.feedback import Feedback
from functions.runs.model.run import Run

log = logging.getLogger("orchestrator")

_PULL_REQUEST = re.compile(r"/pull/([0-9]{1,10})$")


UNREADABLE = (Denied, NotFound, Rejected)
"""Errors of a part of the feedback that GitHub does not show; the other parts still lead to a retry."""


@dataclass(frozen=True, slots=True)
class FeedbackLookup:
    """Looks up feedback in one repository; methods raise GithubError.

    What GitHub does not show counts as absent: reading commit statuses takes a permission that the App may lack.
    """

    calls: RepositoryCalls
    repository_id: int
    sources: Collection[str]
    """`review`, `check` or both, as the repository configures (retryOn)."""
    may_write: Callable[[str], bool]
    """Returns whether a login has write access."""

    def head(self, branch: str) -> str:
        """Return the last commit of a branch, by any author; empty if GitHub shows no such branch."""
        path = f"git/ref/heads/{branch}"
        try:
            return responses.text(self.calls.get(path), f"GET {path}", "object", "sha")
        except UNREADABLE as error:
            log.info("cannot read the branch %s: %s", branch, error)
            return ""

    def open(self, run: Run, commit: str) -> list[Feedback]:
        """Return the open feedback on a commit of the run, and on its pull request."""
        items: list[Feedback] = []
        if "check" in self.sources and commit:
            items += [*self._checks(commit), *self._statuses(commit)]
        if "review" in self.sources:
            items += self._reviews(run)
        return items

    def _checks(self, commit: str) -> Iterator[Feedback]:
        for check in self._list(f"commits/{commit}/check-runs"):
            if feedback.is_failed_check(check):
                number = dig_number(check, "id")
                has_annotations = dig_number(check, "output", "annotations_count")
                annotations = self._list(f"check-runs/{number}/annotations") if has_annotations else []
                description = feedback.describe_check(check, annotations)
                yield Feedback(self._key("check", number), description, self._log_end(check))

    def _log_end(self, check: feedback.Object) -> str:
        job = job_log.job_of(check)
        try:
            return job_log.excerpt(self.calls.text_end(f"actions/jobs/{job}/logs", job_log.MAX_BYTES)) if job else ""
        except UNREADABLE as error:
            log.info("cannot read the log of job %d: %s", job, error)
            return ""

    def _statuses(self, commit: str) -> Iterator[Feedback]:
        """Yield the failed statuses; GitHub lists the last one of each context."""
        for status in self._list(f"commits/{commit}/status"):
            if dig_text(status, "state") in feedback.FAILED_STATES:
                yield Feedback(self._key("status", dig_number(status, "id")), feedback.describe_status(status, commit))

    def _reviews(self, run: Run) -> Iterator[Feedback]:
        number = pull_request_number(run)
        for review in feedback.change_requests(self._list(f"pulls/{number}/reviews") if number else []):
            login, identifier = dig_text(review, "user", "login"), dig_number(review, "id")
            if login and self.may_write(login):
                comments = self.line_comments(number, identifier)
                description = feedback.describe_review(login, dig_text(review, "body"), comments)
                yield Feedback(self._key("review", identifier, 0), description)

    def line_comments(self, pull_request: int, review: int) -> list[feedback.Object]:
        """Return the comments of a review on lines."""
        return self._list(f"pulls/{pull_request}/reviews/{review}/comments")

    def _list(self, path: str) -> list[feedback.Object]:
        try:
            return list(self.calls.pages(path))
        except UNREADABLE as error:
            log.info("cannot read %s: %s", path, error)
            return []

    def _key(self, *parts: object) -> str:
        """Return the key that the webhook rules give to the event of this feedback."""
        return "/".join(str(part) for part in (self.repository_id, *parts))


def pull_request_number(run: Run) -> int:
    """Return the number of the run's pull request; 0 if none is known."""
    match = _PULL_REQUEST.search(run.status.pull_request_url or "")
    return int(match[1]) if match else 0
