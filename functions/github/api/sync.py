"""What is told of a run on GitHub, made or brought up to date: pull request, sticky comment, check run.

Each is found again by what it says (the pull request by its branch, the comment by its marker, the check run by its
external_id), so that whoever comes after a crash finds what was made; and nothing is written that says the same.
GitHub itself has one open pull request for a branch at most. Of two comments the oldest stays: whoever makes one
looks again afterwards, so that of two makers at least the second sees both. Two check runs on a commit say the same.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from functions.github.api import responses
from functions.github.api.errors import Denied, GithubError, NotFound, NotInstalled, Refused
from functions.github.reports import check as checks
from functions.github.reports import comment as comments
from functions.github.reports.pull_request import Pull
from functions.github.webhook import event
from functions.runs.model.run import Run
from functions.runs.model.status import rfc3339

log = logging.getLogger("orchestrator")

CLOCKS_DIFFER = timedelta(hours=1)
"""How far the clocks of GitHub and of the cluster are believed to be apart at most."""


class Calls(Protocol):
    """Calls about one repository (github.client.Repository). All raise GithubError."""

    def get(self, path: str, **query: str) -> Any:
        """The JSON that is there."""
        ...

    def pages(self, path: str, **query: str) -> Iterator[Any]:
        """The items of a list, page by page."""
        ...

    def post(self, path: str, body: Any = None) -> Any:
        """What was made."""
        ...

    def patch(self, path: str, body: Any) -> Any:
        """What was changed."""
        ...

    def delete(self, path: str) -> None:
        """Removes it."""
        ...


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on GitHub: its id and its page."""

    id: int
    url: str


def pull_request(calls: Calls, pull: Pull) -> str:
    """The page of the open pull request, opened if it has to be. Raises GithubError."""
    found = _open_pull(calls, pull)
    if found:
        return found
    body = {"title": pull.title, "body": pull.body, "head": pull.head, "base": pull.base}
    try:
        return responses.text(calls.post("pulls", body), "POST pulls", "html_url")
    except Refused:
        found = _open_pull(calls, pull)  # somebody was faster
        if not found:
            raise
        return found


def _open_pull(calls: Calls, pull: Pull) -> str | None:
    owner = pull.repository.partition("/")[0]
    found = next(calls.pages("pulls", state="open", head=f"{owner}:{pull.head}", base=pull.base), None)
    return responses.text(found, "GET pulls", "html_url") if found is not None else None


def sticky_comment(calls: Calls, run: Run, number: int, app: str, known: int | None, text: str) -> Comment | None:
    """The comment on the issue or pull request of that number, with that text about the run. Raises GithubError.

    `known` is the id of the comment that was written before; it is looked for where that is gone. None is made of a
    run that is being deleted.
    """
    body = {"body": text}
    if known is not None:
        try:
            return _edited(calls, known, body)
        except NotFound:
            log.info("the comment %d was deleted", known, extra={"run": run.key})
    found = _comments(calls, run, number, app)
    if not found and run.deleting:
        return None
    if not found:
        made = _comment(calls.post(f"issues/{number}/comments", body), f"POST issues/{number}/comments")
        found = _comments(calls, run, number, app)
        if not found:
            return made
    oldest = _comment(found[0], f"GET issues/{number}/comments")
    for each in found[1:]:
        _remove(calls, each)
    return oldest if found[0].get("body") == body["body"] else _edited(calls, oldest.id, body)


def _edited(calls: Calls, number: int, body: comments.Object) -> Comment:
    path = f"issues/comments/{number}"
    return _comment(calls.patch(path, body), f"PATCH {path}")


def _comments(calls: Calls, run: Run, number: int, app: str) -> list[comments.Object]:
    since = rfc3339(run.created - CLOCKS_DIFFER)  # what is older is about no run as young as this
    return comments.ours(calls.pages(f"issues/{number}/comments", since=since), run.uid, app)


def _remove(calls: Calls, comment: comments.Object) -> None:
    try:
        calls.delete(f"issues/comments/{comment['id']}")
    except NotFound:
        log.info("the comment %s is gone already", comment["id"])


def _comment(found: comments.Object, call: str) -> Comment:
    return Comment(responses.number(found, call, "id"), event.dig_text(found, "html_url"))


def check_run(calls: Calls, run: Run, commit: str, app: str, details_url: str) -> None:
    """The check run on the run's last commit says what is so. Raises GithubError."""
    wanted = checks.body(run, details_url)
    found = _checks(calls, run, commit, app)
    if not found and not run.deleting:
        calls.post("check-runs", wanted | {"head_sha": commit})
    for each in found:  # a check run cannot be deleted, and GitHub shows the younger one
        if not checks.says(each, wanted):
            calls.patch(f"check-runs/{each['id']}", wanted)


def conclude(calls: Calls, run: Run, commit: str, app: str, last: str) -> None:
    """The check runs on an earlier commit are concluded, now that there is a `last` one. Raises GithubError."""
    for each in _checks(calls, run, commit, app):
        if each.get("status") != "completed":
            calls.patch(f"check-runs/{each['id']}", checks.superseded(run, last))


def _checks(calls: Calls, run: Run, commit: str, app: str) -> list[checks.Object]:
    found = calls.pages(f"commits/{commit}/check-runs", check_name=checks.NAME, filter="all")
    return checks.ours(found, run.uid, app)


def why(error: GithubError) -> str:
    """What to do about an answer that no other try will change."""
    advice = next((words for kind, words in _ADVICE.items() if isinstance(error, kind)), "")
    return f"{str(error).rstrip('.')}{advice}"


_ADVICE = {
    NotInstalled: "; install the App on the repository",
    Denied: "; the App needs write access to issues, pull requests, checks and contents of the repository",
    NotFound: "; it was deleted, or the App may not see it",
}
