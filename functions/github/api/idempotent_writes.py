"""Idempotent writes of a run's sticky comment and check run; pull_request_writes.py has those of its pull request.

Each object is found again by its content, so that a caller after a crash finds what was created: the comment by its
marker, the check run by its external_id. Unchanged objects are not written. Of duplicate comments the oldest is kept:
comments are listed again after creating one, so that of two concurrent writers at least the second sees both.
Duplicate check runs are kept equal.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from functions.github.api import responses
from functions.github.api.errors import Denied, GithubError, NotFound, NotInstalled
from functions.github.api.repository_calls import RepositoryCalls
from functions.github.json_fields import dig_text
from functions.github.reports import check as checks
from functions.github.reports import comment as comments
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339

log = logging.getLogger("orchestrator")

MAX_CLOCK_SKEW = timedelta(hours=1)
"""Largest expected difference between the clocks of GitHub and the cluster."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on GitHub: its id and its page."""

    id: int
    url: str


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
