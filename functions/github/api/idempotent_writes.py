"""Idempotent writes of a run's reports: pull request, sticky comment, check run.

Each object is found again by its content, so that a caller after a crash finds what was created: the pull request by
its branch, the comment by its marker, the check run by its external_id. Unchanged objects are not written. GitHub
allows one open pull request per branch. Of duplicate comments the oldest is kept: comments are listed again after
creating one, so that of two concurrent writers at least the second sees both. Duplicate check runs are kept equal.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from functions.github.api import responses
from functions.github.api.errors import Denied, GithubError, NotFound, NotInstalled, Rejected
from functions.github.json_fields import dig_text
from functions.github.reports import check as checks
from functions.github.reports import comment as comments
from functions.github.reports.pull_request import PullRequestDraft
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339

log = logging.getLogger("orchestrator")

MAX_CLOCK_SKEW = timedelta(hours=1)
"""Largest expected difference between the clocks of GitHub and the cluster."""


class RepositoryCalls(Protocol):
    """The calls of github/api/client.py `Repository` used here. All raise GithubError."""

    @property
    def name(self) -> str:
        """The repository as `owner/name`."""
        ...

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON at the path."""
        ...

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """Yield the items of a list, page by page."""
        ...

    def text_end(self, path: str, size: int) -> str:
        """Return the last bytes of a stored file, as text."""
        ...

    def post(self, path: str, body: Any = None) -> Any:
        """Create and return an object."""
        ...

    def patch(self, path: str, body: Any) -> Any:
        """Change and return an object."""
        ...

    def delete(self, path: str) -> None:
        """Delete the object at the path."""
        ...


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on GitHub: its id and its page."""

    id: int
    url: str


def ensure_pull_request(calls: RepositoryCalls, draft: PullRequestDraft) -> str:
    """Return the URL of the branch's open pull request; open one if there is none. Raises GithubError."""
    return _url(_ensure(calls, draft))


def upsert_pull_request(calls: RepositoryCalls, draft: PullRequestDraft, mark: str) -> str:
    """Return the URL of the branch's open pull request; open one if there is none. Raises GithubError.

    One whose text contains `mark` gets the draft's text. If GitHub refuses that, it is open all the same.
    """
    existing = _ensure(calls, draft)
    text = {"title": draft.title, "body": draft.body}
    if mark in dig_text(existing, "body") and any(dig_text(existing, name) != words for name, words in text.items()):
        try:
            calls.patch(f"pulls/{responses.number(existing, 'GET pulls', 'number')}", text)
        except GithubError as error:
            log.warning("the text of %s was not updated: %s", _url(existing), error)
    return _url(existing)


def _url(pull_request: Any) -> str:
    return responses.text(pull_request, "GET pulls", "html_url")


def _ensure(calls: RepositoryCalls, draft: PullRequestDraft) -> Any:
    existing = _open_pull_request(calls, draft)
    if existing is not None:
        return existing
    body = {"title": draft.title, "body": draft.body, "head": draft.head, "base": draft.base}
    try:
        return calls.post("pulls", body)
    except Rejected:  # another process opened it meanwhile, or the repository has another owner
        name = responses.text(calls.get(""), "GET the repository", "full_name")
        existing = _open_pull_request(calls, replace(draft, repository=name))
        if existing is None:
            raise
        return existing


def _open_pull_request(calls: RepositoryCalls, draft: PullRequestDraft) -> Any:
    owner = draft.repository.partition("/")[0]
    return next(calls.pages("pulls", state="open", head=f"{owner}:{draft.head}", base=draft.base), None)


def upsert_comment(
    calls: RepositoryCalls, run: Run, number: int, app: str, known_id: int | None, text: str
) -> Comment | None:
    """Create or update the run's comment on an issue or pull request; return it. Raises GithubError.

    `known_id` is the comment written before; if it was deleted, the comment is looked up by its marker. A run that is
    being deleted gets no new comment: the result is None.
    """
    body = {"body": text}
    if known_id is not None:
        try:
            return _edit(calls, known_id, body)
        except NotFound:
            log.info("comment %d was deleted", known_id, extra={"run": run.key})
    existing = _list_comments(calls, run, number, app)
    if not existing and run.deleting:
        return None
    if not existing:
        created = _comment(calls.post(f"issues/{number}/comments", body), f"POST issues/{number}/comments")
        existing = _list_comments(calls, run, number, app)
        if not existing:
            return created
    oldest = _comment(existing[0], f"GET issues/{number}/comments")
    for duplicate in existing[1:]:
        _remove(calls, duplicate)
    return oldest if existing[0].get("body") == text else _edit(calls, oldest.id, body)


def _edit(calls: RepositoryCalls, comment_id: int, body: comments.Object) -> Comment:
    path = f"issues/comments/{comment_id}"
    return _comment(calls.patch(path, body), f"PATCH {path}")


def _list_comments(calls: RepositoryCalls, run: Run, number: int, app: str) -> list[comments.Object]:
    since = rfc3339(run.created - MAX_CLOCK_SKEW)  # older comments cannot be about this run
    return comments.select_own(calls.pages(f"issues/{number}/comments", since=since), run.uid, app)


def _remove(calls: RepositoryCalls, comment: comments.Object) -> None:
    try:
        calls.delete(f"issues/comments/{comment['id']}")
    except NotFound:
        log.info("comment %s is already deleted", comment["id"])


def _comment(answer: comments.Object, call: str) -> Comment:
    return Comment(responses.number(answer, call, "id"), dig_text(answer, "html_url"))


def upsert_check_run(calls: RepositoryCalls, run: Run, commit: str, app: str, details_url: str) -> None:
    """Create or update the check run on the run's last commit. Raises GithubError."""
    wanted = checks.body(run, details_url)
    existing = _list_checks(calls, run, commit, app)
    if not existing and not run.deleting:
        calls.post("check-runs", wanted | {"head_sha": commit})
    for check in existing:  # a check run cannot be deleted, and GitHub shows the younger of two
        if not checks.is_current(check, wanted):
            calls.patch(f"check-runs/{check['id']}", wanted)


def conclude_check_runs(calls: RepositoryCalls, run: Run, commit: str, app: str, last: str) -> None:
    """Conclude the check runs on an earlier commit as superseded by the commit `last`. Raises GithubError."""
    for check in _list_checks(calls, run, commit, app):
        if check.get("status") != "completed":
            calls.patch(f"check-runs/{check['id']}", checks.superseded(run, last))


def carry_over_check(calls: RepositoryCalls, commit: str, to: str, app: str) -> None:
    """Create or update our check run on the commit `to` as it is on another commit; without one there do nothing.

    Raises GithubError.
    """
    check = checks.latest_by(calls.pages(f"commits/{commit}/check-runs", check_name=checks.NAME), app)
    if check is None:
        return
    wanted = checks.in_merge_queue(check)
    existing = checks.latest_by(calls.pages(f"commits/{to}/check-runs", check_name=checks.NAME), app)
    if existing is None:
        calls.post("check-runs", wanted | {"head_sha": to})
    elif not checks.is_current(existing, wanted):
        calls.patch(f"check-runs/{responses.number(existing, 'GET check-runs', 'id')}", wanted)


def _list_checks(calls: RepositoryCalls, run: Run, commit: str, app: str) -> list[checks.Object]:
    all_checks = calls.pages(f"commits/{commit}/check-runs", check_name=checks.NAME, filter="all")
    return checks.select_own(all_checks, run.uid, app)


def explain(error: GithubError) -> str:
    """Return a final error's text with what people can do about it."""
    advice = next((text for kind, text in _ADVICE.items() if isinstance(error, kind)), "")
    return f"{str(error).rstrip('.')}{advice}"


_ADVICE = {
    NotInstalled: "; install the App on the repository",
    Denied: "; the App needs write access to issues, pull requests, checks and contents of the repository",
    NotFound: "; it was deleted, or the App may not see it",
}
