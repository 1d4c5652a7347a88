"""Looks up the open feedback on the last commit of a run's branch: failed checks, commit statuses, change requests.

Feedback is a state and not an event: a check may fail, or a review arrive, while an attempt is still working.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from functions.github.api import responses
from functions.github.api.errors import Denied, NotFound, Rejected
from functions.github.api.repository_calls import RepositoryCalls
from functions.github.commands.parse import Retry, parse_comment
from functions.github.json_fields import dig_number, dig_text
from functions.github.reports import feedback, job_log
from functions.github.reports.feedback import Feedback
from functions.github.webhook.decisions import FeedbackReceived
from functions.runs.model.run import Run

log = logging.getLogger("orchestrator")

_PULL_REQUEST = re.compile(r"/pull/([0-9]{1,10})$")


@dataclass(frozen=True, slots=True)
class Listed:
    """The youngest feedback of a subject (reports/feedback.py), as GitHub shows it; not open without `feedback`."""

    subject: str
    number: int
    feedback: Feedback | None = None
    is_over: bool = True
    """Whether it is complete, unlike a check in progress."""

    def supersedes(self, received: FeedbackReceived) -> bool:
        """Return whether the feedback of an event, which may be days old, is not open any more."""
        if self.subject != received.subject or (self.feedback and self.number == received.number):
            return False
        return self.number > received.number or (self.number == received.number and self.is_over)


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
    app_in: Callable[[str], str]
    """Returns the App's name if a text may mention it in front of a command (chatops/context.py)."""

    def head(self, branch: str) -> str:
        """Return the last commit of a branch, as `branch_head`."""
        return branch_head(self.calls, branch)

    def listed(self, run: Run, commit: str) -> list[Listed]:
        """Return the feedback on a commit of the run, and on its pull request."""
        items: list[Listed] = []
        if "check" in self.sources and commit:
            items += [*self._checks(commit), *self._statuses(commit)]
        if "review" in self.sources:
            items += self._reviews(run)
        return items

    def _checks(self, commit: str) -> Iterator[Listed]:
        """Yield the checks; GitHub lists the last run of each."""
        for check in self._list(f"commits/{commit}/check-runs"):
            failed = self._failed_check(check) if feedback.is_failed_check(check) else None
            is_over = dig_text(check, "status") == "completed"
            yield Listed(feedback.subject_of_check(check), dig_number(check, "id"), failed, is_over)

    def _failed_check(self, check: feedback.Object) -> Feedback:
        number, has_annotations = dig_number(check, "id"), dig_number(check, "output", "annotations_count")
        annotations = self._list(f"check-runs/{number}/annotations") if has_annotations else []
        description = feedback.describe_check(check, annotations)
        return Feedback(self._key("check", number), description, self._log_end(check))

    def _log_end(self, check: feedback.Object) -> str:
        job = job_log.job_of(check)
        try:
            return job_log.excerpt(self.calls.text_end(f"actions/jobs/{job}/logs", job_log.MAX_BYTES)) if job else ""
        except UNREADABLE as error:
            log.info("cannot read the log of job %d: %s", job, error)
            return ""

    def _statuses(self, commit: str) -> Iterator[Listed]:
        """Yield the statuses; GitHub lists the last one of each context."""
        for status in self._list(f"commits/{commit}/status"):
            number, state = dig_number(status, "id"), dig_text(status, "state")
            description = feedback.describe_status(status, commit)
            failed = Feedback(self._key("status", number), description) if state in feedback.FAILED_STATES else None
            yield Listed(feedback.subject_of_status(status), number, failed)

    def _reviews(self, run: Run) -> Iterator[Listed]:
        number = pull_request_number(run)
        for review in feedback.verdicts(self._list(f"pulls/{number}/reviews") if number else []):
            login, identifier = dig_text(review, "user", "login"), dig_number(review, "id")
            is_open = feedback.asks_for_changes(review) and login and self.may_write(login)
            wanted = self._change_request(number, login, review) if is_open else None
            yield Listed(feedback.subject_of_review(login), identifier, wanted)

    def _change_request(self, pull_request: int, login: str, review: feedback.Object) -> Feedback:
        identifier = dig_number(review, "id")
        comments = self.line_comments(pull_request, identifier)
        description = feedback.describe_review(login, dig_text(review, "body"), comments)
        commands = (*self._retries(("review", identifier), dig_text(review, "body")), *self.retries_in(comments))
        return Feedback(self.review_key(identifier), description, commands=commands)

    def change_request_of(self, pull_request: int, review: int, login: str) -> Feedback | None:
        """Return a review by its id; None if it does not ask for changes, has a /cancel or is not by that login."""
        path = f"pulls/{pull_request}/reviews/{review}"
        try:
            found = self.calls.get(path)
        except UNREADABLE as error:
            log.info("cannot read %s: %s", path, error)
            return None
        body = dig_text(found, "body")
        cancels = any(command.name == "cancel" for command in parse_comment(body, self.app_in(body)))
        if cancels or not feedback.asks_for_changes(found) or dig_text(found, "user", "login") != login:
            return None
        return self._change_request(pull_request, login, found)

    def line_comments(self, pull_request: int, review: int) -> list[feedback.Object]:
        """Return the comments of a review on lines."""
        return self._list(f"pulls/{pull_request}/reviews/{review}/comments")

    def retries_in(self, comments: Iterable[feedback.Object]) -> tuple[str, ...]:
        """Return the keys of the /retry commands in comments on lines (webhook/rules/comment.py)."""
        bodies = ((dig_number(comment, "id"), dig_text(comment, "body")) for comment in comments)
        return tuple(key for number, body in bodies for key in self._retries(("pulls", "comment", number), body))

    def review_key(self, review: int) -> str:
        """Return the key of a change request (webhook/rules/review.py)."""
        return self._key("review", review, "feedback")

    def _retries(self, text: tuple[object, ...], body: str) -> Iterator[str]:
        """Yield the keys of the /retry commands in a text; `text` is the beginning of their keys."""
        for ordinal, command in enumerate(parse_comment(body, self.app_in(body))):
            if isinstance(command, Retry):
                yield self._key(*text, ordinal)

    def _list(self, path: str) -> list[feedback.Object]:
        try:
            return list(self.calls.pages(path))
        except UNREADABLE as error:
            log.info("cannot read %s: %s", path, error)
            return []

    def _key(self, *parts: object) -> str:
        """Return the key that the webhook rules give to the event of this feedback."""
        return "/".join(str(part) for part in (self.repository_id, *parts))


def branch_head(calls: RepositoryCalls, branch: str) -> str:
    """Return the last commit of a branch, by any author; empty if GitHub shows no such branch. Raises GithubError."""
    path = f"git/ref/heads/{branch}"
    try:
        return responses.text(calls.get(path), f"GET {path}", "object", "sha")
    except UNREADABLE as error:
        log.info("cannot read the branch %s: %s", branch, error)
        return ""


def pull_request_number(run: Run) -> int:
    """Return the number of the run's pull request; 0 if none is known."""
    match = _PULL_REQUEST.search(run.status.pull_request_url or "")
    return int(match[1]) if match else 0
